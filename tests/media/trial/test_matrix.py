"""What comes through when containers, codecs and streams of all kinds are put together.

Of each pair: frames and their times, sound byte for byte and at its distance to the picture, and losses,
which are told before the work as they are after it. What is lost is refused with `strict`.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import pytest
from clips import with_sound, write_clip

from vrestore.errors import LOSS_EXIT_CODE, LossError
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

FRAMES = 10
SLIGHT = 0.0011
"""Seconds: a millisecond, and what ticks of one round."""

SOURCES = {
    "mkv-aac-ass": ("in.mkv", "libx264", ["aac"], "ass"),
    "mkv-opus-srt": ("in.mkv", "libx264", ["libopus"], "subrip"),
    "mkv-flac-webvtt": ("in.mkv", "ffv1", ["flac", "aac"], "webvtt"),
    "mkv-mp3-dvbsub": ("in.mkv", "mpeg4", ["libmp3lame"], "dvb_subtitle"),
    "mkv-pcm-alac": ("in.mkv", "libx264", ["pcm_s16le", "alac"], None),
    "mkv-eac3-mp2": ("in.mkv", "mpeg2video", ["eac3", "mp2"], None),
    "mov-pcm-text": ("in.mov", "mjpeg", ["pcm_s16be"], "mov_text"),
    "mp4-ac3-text": ("in.mp4", "libx264", ["ac3", "aac"], "mov_text"),
    "avi-mp3-ac3": ("in.avi", "mpeg4", ["libmp3lame", "ac3"], None),
    "avi-h264-pcm": ("in.avi", "libx264", ["pcm_s16le"], None),
    "ts-aac-klv": ("in.ts", "libx264", ["aac", "mp2"], "klv"),
    "webm-opus-webvtt": ("in.webm", "libvpx-vp9", ["libopus"], "webvtt"),
    "mkv-hevc-aac": ("in.mkv", "libx265", ["aac"], "subrip"),
    "mp4-av1-opus": ("in.mp4", "libsvtav1", ["libopus"], None),
    "3gp-amr": ("in.3gp", "mpeg4", ["libopencore_amrnb"], None),
}
TARGETS = {"mp4": None, "mov": None, "mkv": None, "webm": "vp9", "avi": "mpeg4", "nut": None, "ts": "h264"}
PAIRS = [(source, target) for source in SOURCES for target in TARGETS]
FAST = {
    ("mkv-aac-ass", "mp4"),
    ("mkv-pcm-alac", "mp4"),
    ("mp4-ac3-text", "avi"),
    ("avi-h264-pcm", "mkv"),
    ("avi-mp3-ac3", "avi"),
    ("ts-aac-klv", "mov"),
    ("mkv-hevc-aac", "mp4"),
}
TICKS = {"avi": 25, "ts": 90000, "mov": 12800, "mp4": 12800}
LINES = {"mov_text": b"\0\2hi", "ass": b"0,0,Default,,0,0,0,,hi"}


@dataclass
class Contents:
    """A file's frames, in seconds, and of its streams of sound their packets and the first one's time."""

    frames: list
    sound: dict
    begins: dict


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return a function that writes each source once."""
    made = {}

    def source(name):
        if name not in made:
            made[name] = write_source(tmp_path_factory.mktemp(name), name)
        return made[name]

    return source


def write_source(folder, name):
    file, codec, sounds, text = SOURCES[name]
    is_mono = "libopencore_amrnb" in sounds
    tone = with_sound(*sounds, rate=8000 if is_mono else 48000, layout="mono" if is_mono else "stereo")
    ticks = 25 if codec == "mpeg2video" else TICKS.get(file.partition(".")[2], 1000)

    def beside(container):
        mux_sound = tone(container)
        stream = None
        if text is not None:
            stream = container.add_mux_stream(text)
            stream.time_base = Fraction(1, 1000)

        def mux():
            mux_sound()
            if stream is not None:
                packet = av.Packet(LINES.get(text, b"hi"))
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts, packet.dts, packet.duration = 100, 100, 150
                container.mux(packet)

        return mux

    return write_clip(
        folder / file,
        frames=FRAMES,
        codec=codec,
        layout="yuvj420p" if codec == "mjpeg" else "yuv420p",
        time_base=Fraction(1, ticks),
        options={"x265-params": "log-level=none"} if codec == "libx265" else {},
        beside=beside,
    )


def contents_of(path):
    with open_video(path) as reader:
        frames = [float(frame.pts * reader.meta.time_base) for frame in reader]
    sound, begins = {}, {}
    with av.open(str(path)) as container:
        names = [stream.index for stream in container.streams.audio]
        for packet in container.demux():
            if packet.size and packet.stream.type == "audio":
                sound.setdefault(names.index(packet.stream.index), []).append(bytes(packet))
                begins.setdefault(names.index(packet.stream.index), float(packet.pts * packet.time_base))
    return Contents(frames, sound, begins)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param(*pair, id="-to-".join(pair), marks=[] if pair in FAST else pytest.mark.slow)
        for pair in PAIRS
    ],
)
def test_what_is_told_is_what_comes_out(tmp_path, sources, name, target):
    source, place = sources(name), tmp_path / f"out.{target}"
    options = EncodeOptions(codec=TARGETS[target])
    with open_video(source) as reader, open_writer(place, reader, options=options) as writer:
        told = list(writer.losses)
        for frame in reader:
            writer.write(frame)
        written = writer.finish()
    assert list(written.losses) == told
    assert [text for text in written.warnings if "stream" in text or "packets" in text] == []
    check_contents(contents_of(source), contents_of(place), written, told)
    with open_video(source) as reader:
        assert exit_code_of(tmp_path / f"strict.{target}", reader, options) == (LOSS_EXIT_CODE if told else 0)


def check_contents(before, after, written, told):
    """Compare what is promised: all frames in time, sound as it was, nothing moved that is not told."""
    steps = [[seconds - found.frames[0] for seconds in found.frames] for found in (before, after)]
    assert steps[1] == pytest.approx(steps[0], abs=SLIGHT)
    kept = sorted(stream.index for stream in written.kept if stream.kind == "audio")
    lost = {drop.index for drop in written.dropped}
    numbers = [
        number for number, index in enumerate(sorted({*kept, *of_sound(written)})) if index not in lost
    ]
    assert len(after.sound) == len(numbers)
    for place, number in enumerate(numbers):
        check_sound(before.sound[number], after.sound[place])
        moved = (after.begins[place] - after.frames[0]) - (before.begins[number] - before.frames[0])
        assert abs(moved) <= SLIGHT or any(f"of audio stream {kept[place]} " in text for text in told)


def of_sound(written):
    return {drop.index for drop in written.dropped if drop.kind == "audio"}


def check_sound(before, after):
    """AAC has headers in transport streams only; samples without a codec may be cut elsewhere."""
    whole, other = b"".join(before), b"".join(after)
    assert before == after or whole == other or strip_headers(before) == strip_headers(after)


def strip_headers(packets):
    """Take the 7 bytes of ADTS from each packet that begins with them."""
    return [
        packet[7:] if packet[:1] == b"\xff" and packet[1] & 0xF6 == 0xF0 else packet for packet in packets
    ]


def exit_code_of(place, reader, options):
    try:
        with open_writer(place, reader, options=options, strict=True):
            return 0
    except LossError as error:
        return error.exit_code


def test_there_are_enough_pairs():
    assert len(PAIRS) > 60
    assert set(PAIRS) >= FAST

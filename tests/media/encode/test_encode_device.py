"""An encoder of a graphics device that cannot be opened gives way to the processor's, and that is said."""

import av
import pytest
from clips import write_clip
from passing import restore
from typer.testing import CliRunner

from vrestore.cli.main import build_app
from vrestore.errors import DeviceError, UsageError
from vrestore.media.encode.encoding import IN_SOFTWARE, encoder_unavailable_reason
from vrestore.media.encode.quality import encoder_options

BOX = "--box=20,16,12,10"
HAS_ENCODER = encoder_unavailable_reason("h264_nvenc") is None


without_device = pytest.mark.skipif(HAS_ENCODER, reason="a device that encodes is here")


def codec_of(path):
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.codec.canonical_name


def x264_words(path):
    """What x264 writes of its settings into its first packet."""
    with av.open(str(path)) as container:
        first = bytes(next(container.demux(video=0)))
    return first.partition(b"options: ")[2].partition(b"\0")[0].decode("ascii")


@pytest.fixture
def source(tmp_path):
    return write_clip(tmp_path / "in.mp4")


@without_device
@pytest.mark.parametrize(
    ("encoder", "codec"), [("h264_nvenc", "h264"), ("hevc_nvenc", "hevc"), ("av1_nvenc", "av1")]
)
def test_without_a_device_its_codec_is_kept_and_a_warning_says_why(encoder, codec, source, tmp_path):
    written = restore(source, tmp_path / "out.mkv", codec=encoder)
    assert codec_of(tmp_path / "out.mkv") == codec
    assert written.codec == IN_SOFTWARE[encoder]
    assert len(written.warnings) == 1
    assert written.warnings[0].startswith(f"encoded with {written.codec}: {encoder} refuses 64x48 yuv420p")
    assert written.warnings[0].endswith("(Cannot load libcuda.so.1)")


@without_device
def test_the_reason_is_told_each_time():
    """PyAV keeps what FFmpeg says twice in a row to itself, unless it is told not to."""
    assert [encoder_unavailable_reason("h264_nvenc") for _ in range(3)] == ["Cannot load libcuda.so.1"] * 3


@without_device
def test_what_is_asked_for_passes_on_as_far_as_both_know_it(source, tmp_path):
    asked = {"crf": 30, "preset": "fast", "extra": {"g": "4", "spatial-aq": "1", "tune": "hq"}}
    written = restore(source, tmp_path / "a.mp4", codec="H264_NVENC", **asked)
    words = x264_words(tmp_path / "a.mp4")
    assert {"keyint=4", "crf=30.0", "subme=6", "ref=2"} <= set(words.split())
    assert written.warnings[0].startswith("encoded with libx264 without -e spatial-aq, -e tune: ")


@without_device
@pytest.mark.parametrize(("encoder", "preset"), [("h264_nvenc", "p5"), ("av1_nvenc", "slow")])
def test_a_preset_that_only_the_device_has_is_dropped_with_a_word(encoder, preset, source, tmp_path):
    written = restore(source, tmp_path / "out.mkv", codec=encoder, preset=preset)
    assert f"encoded with {IN_SOFTWARE[encoder]} without --preset: " in written.warnings[0]


@without_device
def test_strict_refuses_another_encoder_and_leaves_nothing(source, tmp_path):
    words = ["inpaint", str(source), BOX, "-o", str(tmp_path / "out.mp4"), "-c", "h264_nvenc", "--strict"]
    result = CliRunner().invoke(build_app(), words)
    assert result.exit_code == DeviceError.exit_code
    assert "Cannot load libcuda.so.1" in result.stderr.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"preset": "foo"}, "foo"),
        ({"extra": {"rc": "foo"}}, "foo"),
        ({"extra": {"nope": "1"}}, "h264_nvenc has no option 'nope'"),
        ({"crf": 52}, "--crf is between 0 and 51, got 52"),
    ],
)
def test_wrong_words_are_an_error_with_and_without_a_device(options, match, source, tmp_path):
    with pytest.raises(UsageError, match=match):
        restore(source, tmp_path / "out.mp4", codec="h264_nvenc", **options)


@pytest.mark.parametrize(
    ("encoder", "asked", "expected"),
    [
        ("h264_nvenc", {}, {"rc": "constqp", "qp": "16"}),
        ("hevc_nvenc", {"crf": 21.6}, {"rc": "constqp", "qp": "22"}),
        ("av1_nvenc", {"crf": 30}, {"rc": "constqp", "qp": "120"}),
        ("h264_nvenc", {"crf": 0}, {"rc": "constqp", "qp": "0"}),
        ("h264_nvenc", {"preset": "veryslow"}, {"rc": "constqp", "qp": "16", "preset": "p7"}),
        ("h264_nvenc", {"preset": "p3"}, {"rc": "constqp", "qp": "16", "preset": "p3"}),
        ("av1_nvenc", {"extra": {"cq": "25"}}, {"cq": "25"}),
    ],
)
def test_quality_and_preset_are_put_in_the_devices_words(encoder, asked, expected):
    words = {"crf": None, "preset": None, "extra": {}, "parameters": {}} | asked
    assert encoder_options(encoder, **words) == expected


def test_a_source_in_a_devices_codec_is_encoded_by_the_processor(source, tmp_path):
    """The default never takes a device's encoder."""
    assert restore(source, tmp_path / "out.mp4").codec == "libx264"


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_ENCODER, reason="NOT TESTED: this device has no encoder")
@pytest.mark.parametrize("encoder", ["h264_nvenc", "hevc_nvenc"])
def test_a_device_encodes(encoder, tmp_path):
    source = write_clip(tmp_path / "large.mp4", height=360, width=640)
    written = restore(source, tmp_path / "out.mp4", codec=encoder)
    assert (written.codec, written.frame_count, written.warnings) == (encoder, 8, ())

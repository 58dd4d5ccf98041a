"""What a source names stays shut: no other file and no address is opened unless that is allowed."""

import http.server
import threading

import numpy as np
import pytest
from clips import write_clip, write_images, write_pictures

import vrestore
from vrestore.errors import InputError, MaskError, UsageError
from vrestore.media.reader import open_video

BOX = "20,16,12,10"


def m3u8(named):
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.32,\n{named}\n#EXT-X-ENDLIST\n"


def ffconcat(named):
    return f"ffconcat version 1.0\nfile {named}\n"


def dash(named):
    return (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
        f"<BaseURL>{named}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )


def sdp(named):
    return "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"


PLAYLISTS = {
    "list.m3u8": m3u8,
    "list.mp4": m3u8,
    "list.ffconcat": ffconcat,
    "list.mkv": ffconcat,
    "list.mpd": dash,
    "list.sdp": sdp,
}


@pytest.fixture
def part(tmp_path):
    return write_clip(tmp_path / "part.ts")


@pytest.fixture
def address():
    """An address of this machine, and the requests that reached it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/part.ts", asked
    server.shutdown()
    thread.join()
    server.server_close()


def written(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_opens_nothing_as_a_source(tmp_path, part, name):
    source = written(tmp_path / name, PLAYLISTS[name]("part.ts"))
    with pytest.raises(InputError, match="playlist"):
        vrestore.inpaint(source, box=BOX, target=tmp_path / "out.mp4")


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_opens_nothing_as_a_mask(tmp_path, part, name):
    mask = written(tmp_path / name, PLAYLISTS[name]("part.ts"))
    with pytest.raises(MaskError, match="playlist"):
        vrestore.inpaint(part, mask=mask, target=tmp_path / "out.mp4", allow_protocols="file")


@pytest.mark.parametrize("name", PLAYLISTS)
def test_no_address_is_asked(tmp_path, address, name):
    source = written(tmp_path / name, PLAYLISTS[name](address[0]))
    with pytest.raises(InputError):
        open_video(source)
    assert address[1] == []


@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat"])
def test_a_playlist_is_read_where_files_are_allowed(tmp_path, part, name):
    source = written(tmp_path / name, PLAYLISTS[name]("part.ts"))
    target = tmp_path / "out.mkv"
    assert vrestore.inpaint(source, box=BOX, target=target, allow_protocols="file").frames == 8


def test_what_is_allowed_is_no_more_than_that(tmp_path, address):
    source = written(tmp_path / "list.m3u8", m3u8(address[0]))
    with pytest.raises(InputError):
        open_video(source, protocols=["file"])
    assert address[1] == []
    with pytest.raises(InputError):
        open_video(source, protocols=["http"])
    assert set(address[1]) == {"/part.ts"}


def test_a_protocol_that_cannot_be_allowed_is_one_clear_line(tmp_path):
    with pytest.raises(
        UsageError, match="an allowed protocol is one of file, http, https, crypto, got 'ftp'"
    ):
        vrestore.inpaint(tmp_path / "list.m3u8", box=BOX, allow_protocols="file,ftp")


def test_a_percent_in_a_file_name_is_no_pattern(tmp_path):
    """As a source or as a mask: FFmpeg's image2 would take `%d` for a row of files."""
    write_images(tmp_path, ["a1.png", "a2.png"], height=48, width=64)
    clip = write_clip(tmp_path / "b%d.mp4")
    mask = write_pictures(tmp_path / "m%d.mkv", [np.eye(48, 64, dtype=np.uint8) * 255] * 8)
    assert vrestore.inpaint(clip, mask=mask, target=tmp_path / "out%d.mkv").frames == 8
    assert (tmp_path / "out%d.mkv").is_file()

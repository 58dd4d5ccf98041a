"""Where a device does the work, it is asked to decode too; the report says who did."""

from contextlib import ExitStack

import pytest
from clips import write_clip

import vrestore
from vrestore.methods.inpaint.method import INPAINT
from vrestore.run import job_files as opening
from vrestore.run.job import make_job

BOX = "21,15,11,9"


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


@pytest.mark.parametrize(("device", "decoder"), [("cuda:1", "NVDEC of cuda:1"), ("cpu", "")])
def test_the_device_of_the_work_is_asked_to_decode(device, decoder, clip, monkeypatch):
    monkeypatch.setattr(opening, "choose_device", lambda *words, **more: device)
    with ExitStack() as opened:
        files = opening.open_files(make_job(INPAINT, clip, box=BOX), opened)
        assert decoder in files.reader.decoder
        assert bool(files.reader.decoder) is bool(decoder)


def test_the_report_of_a_run_on_the_processor_names_no_decoder(clip):
    report = vrestore.inpaint(clip, box=BOX)
    assert report.decoder == ""
    assert not any(line.startswith("decoded by") for line in report.summary_lines())

"""How a run ends when it does not end well."""

import os
import signal
import subprocess
import sys

import pytest
import typer

from vrestore import errors
from vrestore.cli.terminal.failure import failures_shown


def ended_by(error, capsys):
    with pytest.raises(typer.Exit) as caught, failures_shown(debug=False):
        raise error
    return caught.value.exit_code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.VRestoreError("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.InputError("x"), 3),
        (errors.MaskError("x"), 4),
        (errors.TargetError("x"), 5),
        (errors.ModelError("x"), 6),
        (errors.DeviceError("x"), 7),
        (errors.OutOfMemory("x"), 8),
        (MemoryError(), 8),
        (errors.LossError("x"), 9),
        (errors.Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
        (RuntimeError("x"), 1),
    ],
    ids=repr,
)
def test_every_error_has_its_exit_code(error, exit_code, capsys):
    code, words = ended_by(error, capsys)
    assert code == exit_code
    assert words.count("\n") == 1


def test_an_unexpected_error_says_what_to_do(capsys):
    _, words = ended_by(ZeroDivisionError("two\nlines [red]"), capsys)
    assert words.startswith("vrestore: unexpected: ZeroDivisionError: two lines [red]; --debug")


def test_an_exit_passes():
    with pytest.raises(typer.Exit) as caught, failures_shown(debug=False):
        raise typer.Exit(9)
    assert caught.value.exit_code == 9


def test_the_handlers_of_signals_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with failures_shown(debug=False):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


WAITING = """
import typer, time
from vrestore.cli.terminal.failure import failures_shown
def wait():
    with failures_shown(debug=False):
        try:
            print("ready", flush=True)
            time.sleep(30)
        finally:
            {cleanup}
typer.run(wait)
"""


def waiting(cleanup):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING.format(cleanup=cleanup)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly(number):
    process = waiting("print('cleaned', flush=True)")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == "cleaned\n"
    assert err == "vrestore: interrupted; nothing was written\n"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_second_signal_kills():
    process = waiting("print('stuck', flush=True); time.sleep(30)")
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stuck\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT

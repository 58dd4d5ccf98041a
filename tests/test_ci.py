"""The closing line of `.ci/run` counts all tests of several runs of pytest."""

import subprocess
import sys

import pytest

FAST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests">
<testsuite name="pytest" errors="0" failures="0" skipped="2" tests="12" time="30.5"></testsuite>
</testsuites>"""
SLOW = FAST.replace('errors="0" failures="0" skipped="2"', 'errors="1" failures="3" skipped="0"')


@pytest.fixture
def said(root, tmp_path):
    """Return what is said of results, each the text of a file."""

    def total(*results):
        for number, text in enumerate(results):
            (tmp_path / f"{number}.xml").write_text(text)
        command = [sys.executable, root / ".ci" / "total.py", tmp_path]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return total


def test_results_of_several_runs_are_added(said):
    assert said(FAST, FAST) == "20 passed, 4 skipped in 61.00s\n"


def test_failures_come_first_as_in_pytests_own_line(said):
    assert said(FAST, SLOW) == "3 failed, 18 passed, 2 skipped, 1 error in 61.00s\n"


def test_where_nothing_ran_it_says_so(said):
    assert said() == "no tests ran in 0.00s\n"

"""Add up the results of several runs of pytest, JUnit XML in a folder, and say the sum in pytest's words."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def total(folder: Path) -> str:
    """Return a line such as `1 failed, 20 passed, 3 skipped in 45.67s` for all results in `folder`."""
    roots = [ElementTree.parse(file).getroot() for file in folder.glob("*.xml")]
    suites = [suite for root in roots for suite in root.iter("testsuite")]

    def count(name: str) -> int:
        return sum(int(suite.get(name, 0)) for suite in suites)

    failed, errors, skipped = count("failures"), count("errors"), count("skipped")
    passed = count("tests") - failed - errors - skipped
    words = "error" if errors == 1 else "errors"
    counts = {"failed": failed, "passed": passed, "skipped": skipped, words: errors}
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    seconds = sum(float(suite.get("time", 0)) for suite in suites)
    return f"{told or 'no tests ran'} in {seconds:.2f}s"


if __name__ == "__main__":
    sys.stdout.write(f"{total(Path(sys.argv[1]))}\n")

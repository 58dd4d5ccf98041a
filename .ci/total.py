"""Add up the results of several runs of pytest, JUnit XML in a folder, and say the sum in pytest's words."""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def total(folder: Path) -> str:
    """Return a line such as `1 failed, 20 passed, 3 skipped in 45.67s` for all results in `folder`."""
    counts: Counter[str] = Counter()
    seconds = 0.0
    roots = [ElementTree.parse(file).getroot() for file in folder.glob("*.xml")]
    for suite in (suite for root in roots for suite in root.iter("testsuite")):
        found = {name: int(suite.get(name, 0)) for name in ("failures", "errors", "skipped", "tests")}
        counts["failed"] += found["failures"]
        counts["passed"] += found["tests"] - found["failures"] - found["errors"] - found["skipped"]
        counts["skipped"] += found["skipped"]
        counts["errors"] += found["errors"]
        seconds += float(suite.get("time", 0))
    told = [f"{count} {what}" for what, count in counts.items() if count]
    return f"{', '.join(told) or 'no tests ran'} in {seconds:.2f}s"


if __name__ == "__main__":
    sys.stdout.write(f"{total(Path(sys.argv[1]))}\n")

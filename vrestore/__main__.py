"""`python -m vrestore`: the same as the command `vrestore`."""

from __future__ import annotations

from vrestore.cli.main import main

if __name__ == "__main__":
    main()

"""One look for all tables: narrow enough for a terminal of 80 columns."""

from __future__ import annotations

from rich import box
from rich.table import Table


def figures_table(title: str, first: str, *headings: str) -> Table:
    """Return a table with a column of names and columns of figures."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table

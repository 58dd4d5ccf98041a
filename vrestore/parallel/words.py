"""How one video is shared out, as people say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vrestore.option_schema import option

ExecutorName = Literal["local", "ray"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterWords:
    """What is said of a cluster for one video; nothing of it means this process, or its several devices.

    The help tells of these words with batches only: a longer one is read by nobody.
    """

    executor: ExecutorName = option(
        "local",
        "local (default) or ray, a cluster.",
        more="`ray` works on parts of a long video on a Ray cluster; `memory` is for all of them together.",
        affects="placement",
        metavar="NAME",
        is_hidden=True,
    )
    address: str | None = option(
        None,
        "Of the cluster: host:port, or auto.",
        more="Of the cluster, such as `auto` or `head:6379`; by default one of this machine alone is made.",
        affects="placement",
        metavar="WHERE",
        is_hidden=True,
    )
    jobs: int = option(
        0,
        "Parts at a time.",
        more="How many parts are worked on at a time; by default as many as this machine has cores.",
        affects="placement",
        flags=("--jobs", "-j"),
        metavar="N",
        is_hidden=True,
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self == ClusterWords()

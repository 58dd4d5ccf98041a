"""Neighbors that are copied from neighboring places: what makes texture of a field instead of mush."""

from __future__ import annotations

import numpy as np

from vrestore.methods.inpaint.texture.matching import NEIGHBORS, Field

COHERENCE = 1.0
"""What it costs to disagree with a neighbor, in median costs of a patch."""

ROUNDS = 3


def make_coherent(field: Field) -> None:
    """Let neighbors be copied from neighboring places, at a cost for each that is not: a Potts model.

    Every patch has a best match of its own, and the mean of what these say is a blur. By iterated conditional
    modes (Besag 1986), on one color of a checkerboard after the other: of its own source and those that go on
    from its neighbors' each target takes the one of least cost, plus the weight of the neighbors that
    disagree.
    """
    weight = COHERENCE * float(np.median(field.costs))
    y, x = np.divmod(field.targets, field.shape[1])
    everyone = np.arange(len(y))
    for turn in range(2 * ROUNDS):
        offered = [field.from_neighbor(*neighbor) for neighbor in NEIGHBORS]
        candidates = np.stack([field.sources, *offered])
        costs = np.stack([field.costs, *(field.cost_of(each) for each in offered)])
        agreeing = np.stack(
            [sum((each == other).astype(np.float32) for other in offered) for each in candidates]
        )
        best = (costs - weight * agreeing).argmin(0)
        is_turn = (y + x) % 2 == turn % 2
        field.sources = np.where(is_turn, candidates[best, everyone], field.sources)
        field.costs = np.where(is_turn, costs[best, everyone], field.costs)

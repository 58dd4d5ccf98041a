"""Runs that are stopped, and what they leave; for tests of any method."""

import shutil

import pytest
from clips import planes_in, stamps_of

from vrestore.run.checkpoint import frames_kept


def done(run, source, target, *, events=None, **options):
    """Do it to the end, or what is left of it; what it tells goes to a list of events."""
    progress = None if events is None else events.append
    return run(source, target=target, progress=progress, **options)


def stopped(run, source, target, *, at, **options):
    """Begin, and be stopped when so many frames are restored; returns how many are kept."""

    def stop(event):
        if event.event == "progress" and event.frame == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, target=target, progress=stop, **options)
    return frames_kept(str(target))


def state_of(target):
    """Return the folder that holds what is kept for a target."""
    return target.parent / ".vrestore" / target.name


def left_behind(state, folder):
    """Put a state folder where it belongs to a target in another folder; returns that."""
    target = folder / "out.mkv"
    shutil.copytree(state, state_of(target))
    return target


def names(folder):
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def lines(events, kind):
    """Return the words of the events of a kind."""
    return [event.text for event in events if event.event == kind]


def assert_same(one, other):
    """Assert that two videos show the same, bit for bit and at the same times."""
    for planes, others in zip(planes_in(one), planes_in(other), strict=True):
        assert all((a == b).all() for a, b in zip(planes, others, strict=True))
    assert stamps_of(one) == stamps_of(other)

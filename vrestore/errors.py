"""What can go wrong for a user, and the exit code of each.

VRestoreError            1  unexpected
├── UsageError           2  the words of the command do not fit together
├── InputError           3  the source cannot be read or is not a video
├── MaskError            4  the mask is missing, empty, of the wrong size or count
├── TargetError          5  the target exists, or cannot be written
├── ModelError           6  weights are missing or do not match
├── DeviceError          7  the device asked for is not there
├── OutOfMemory          8  the memory bound is too small even for the smallest plan
├── LossError            9  something would be lost, and `--strict` forbids it
├── BatchFailed         10  some jobs of a batch failed
├── LeftoversFound      11  `verify` found something of what was removed
└── Interrupted        130  stopped by the user
"""

from __future__ import annotations


class VRestoreError(Exception):
    """Base of all errors a user can cause; the message is one line that says what to do."""

    exit_code = 1


class UsageError(VRestoreError):
    """Options that contradict each other or have values outside what is allowed."""

    exit_code = 2


class InputError(VRestoreError):
    """A source that is missing, empty, unreadable or not a video."""

    exit_code = 3


class MaskError(VRestoreError):
    """A mask that is missing, empty, full, or of another size, count or rate than the video."""

    exit_code = 4


class TargetError(VRestoreError):
    """A target that exists, equals the source, or cannot be written."""

    exit_code = 5


class ModelError(VRestoreError):
    """Weights that are missing or do not match their card."""

    exit_code = 6


class DeviceError(VRestoreError):
    """A device that was asked for and is not there."""

    exit_code = 7


class OutOfMemory(VRestoreError):
    """A memory bound that the smallest possible plan exceeds."""

    exit_code = 8


class LossError(VRestoreError):
    """A loss (truncated source, dropped stream) where `--strict` allows none."""

    exit_code = 9


class BatchFailed(VRestoreError):
    """Some jobs of a batch failed; the others are done."""

    exit_code = 10


class LeftoversFound(VRestoreError):
    """Something of what was removed is left in a result."""

    exit_code = 11


class Interrupted(VRestoreError):
    """The user stopped the run; nothing was left half-written."""

    exit_code = 130


def verdict_on(error: BaseException) -> tuple[str, int]:
    """Return the words and the exit code for whatever ended a run."""
    if isinstance(error, VRestoreError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        return (
            "out of memory; pass --memory with less than there is, or --quality draft",
            OutOfMemory.exit_code,
        )
    words = f"unexpected: {type(error).__name__}: {error}; --debug shows where, please report it"
    return words, VRestoreError.exit_code


def error_for(exit_code: int, words: str) -> VRestoreError:
    """Return the error of an exit code, such as that of a worker."""
    kinds = {kind.exit_code: kind for kind in VRestoreError.__subclasses__()}
    return kinds.get(exit_code, VRestoreError)(words)


LOSS_EXIT_CODE = LossError.exit_code
"""Also the exit code of a run that finished although its source was truncated or damaged."""

LEFTOVERS_EXIT_CODE = LeftoversFound.exit_code
"""The exit code of a look at a result that found something, which is no failure."""

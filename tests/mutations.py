"""Damage to files, drawn from a seed: what disks, networks and people do to them, and worse."""

from __future__ import annotations

from random import Random


def mutated(data: bytes, random: Random) -> bytes:
    """Return the bytes with one to four kinds of damage."""
    for _ in range(random.randint(1, 4)):
        data = random.choice(_KINDS)(data, random)
    return data


def _bits(data: bytes, random: Random) -> bytes:
    found = bytearray(data)
    for _ in range(random.choice((1, 4, 30))):
        if found:
            found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _in_the_head(data: bytes, random: Random) -> bytes:
    """Headers are short and say the most."""
    return _bits(data[:400], random) + data[400:]


def _in_the_tail(data: bytes, random: Random) -> bytes:
    """Indexes of MP4 and Matroska lie at the end."""
    return data[:-800] + _bits(data[-800:], random)


def _numbers(data: bytes, random: Random) -> bytes:
    """Sizes and counts at their limits."""
    at = random.randrange(max(1, len(data) - 8))
    extreme = random.choice(
        (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1")
    )
    return data[:at] + extreme + data[at + 4 :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _hole(data: bytes, random: Random) -> bytes:
    start, length = random.randrange(len(data) + 1), random.choice((16, 500, 4096))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def _lost(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 7, 188, 2000)) :]


def _noise(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + random.randbytes(random.choice((1, 16, 300))) + data[start:]


def _twice(data: bytes, random: Random) -> bytes:
    start, length = random.randrange(len(data) + 1), random.choice((8, 188, 3000))
    return data[: start + length] + data[start:]


_KINDS = (_bits, _in_the_head, _in_the_tail, _numbers, _cut, _hole, _lost, _noise, _twice)

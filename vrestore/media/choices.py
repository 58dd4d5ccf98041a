"""Words that can be chosen from, known without loading a library."""

from __future__ import annotations

from typing import Literal

Layout = Literal["side", "split", "difference", "stack"]
"""How two pictures are shown in one."""

PROTOCOLS = {"file": "file", "http": "http,tcp", "https": "https,tls,tcp", "crypto": "crypto"}
"""What a playlist can be allowed, with FFmpeg's names of what each of them needs."""

FieldWork = Literal["frames", "fields", "film"]
"""What is made of interlaced pictures: a frame of each, one of each field, or the film they were made of."""

Fit = Literal["error", "resize"]
"""What becomes of a mask of another size than the video."""

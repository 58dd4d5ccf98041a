"""Repair video: remove objects, logos, subtitles and scratches; the file stays the user's file."""

__version__ = "0.1.0"

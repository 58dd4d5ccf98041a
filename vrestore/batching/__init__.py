"""Folders and lists of videos: found, scheduled, kept account of."""

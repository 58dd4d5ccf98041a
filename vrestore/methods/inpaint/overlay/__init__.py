"""Restore what shines through an overlay: frames are inverted where that is nearer than what is filled in."""

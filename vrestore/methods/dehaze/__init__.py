"""Dehazing: haze is estimated small, kept steady, and taken out of the frame's own planes."""

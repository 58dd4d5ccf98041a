"""Detectors: what finds a mask."""

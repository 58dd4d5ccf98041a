"""Detectors: what finds a mask. They may use a method's parts; no method knows a detector."""

"""Patches: the surroundings of one hole of one frame, on the CPU or a device."""

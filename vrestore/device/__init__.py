"""Devices, their memory, ways to them and back, and what happens where one is too small."""

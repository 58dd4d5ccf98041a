"""Bytes to frames and back; knows no network."""

"""Containers: packets, times, segments, streams that are copied."""

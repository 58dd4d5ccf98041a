"""Masks: files and boxes to the hole of every frame; knows no network."""

"""Encoders: which one, in which layout, how well."""

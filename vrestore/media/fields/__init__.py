"""Whole frames out of fields: interlaced video and telecined film."""

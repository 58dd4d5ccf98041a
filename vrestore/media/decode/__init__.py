"""Pictures out of packets."""

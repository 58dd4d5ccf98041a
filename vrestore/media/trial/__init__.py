"""What a target cannot hold, found out before the work."""

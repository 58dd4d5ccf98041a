"""When frames are shown, where a container or an encoder knows places and counts instead of times."""

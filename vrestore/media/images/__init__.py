"""Images as video, and video as images."""

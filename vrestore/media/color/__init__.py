"""Native planes to RGB and back, by the stream's own matrix, range and chroma position."""

"""Grain: the noise of film and sensors, measured beside a hole and given to what fills it."""

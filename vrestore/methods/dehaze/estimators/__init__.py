"""What haze is estimated by: a network, or the dark channel prior."""

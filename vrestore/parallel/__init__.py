"""One video or many on several processes, devices or machines."""

"""The optimizers known by name, what changes any of them, and rules of one's own in files."""

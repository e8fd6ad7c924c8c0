"""The private directory, and results kept there between processes."""

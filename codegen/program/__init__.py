"""The program of a kernel: statements, and what can be done to them."""

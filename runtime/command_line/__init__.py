"""The command line ``smelt``."""

"""The command line ``optsde``."""

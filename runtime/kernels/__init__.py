"""Compiled kernels: what they are given, how they run, what they add up."""

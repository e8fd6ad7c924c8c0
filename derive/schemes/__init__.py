"""Numerical schemes for stochastic differential equations, and the proof of their weak order."""

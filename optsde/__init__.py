"""Stochastic modified equations of stochastic optimizers: derived, compiled, measured."""

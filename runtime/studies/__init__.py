"""Ensembles and weak-error studies."""

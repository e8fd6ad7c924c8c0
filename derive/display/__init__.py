"""Equations as text, LaTeX and JSON."""

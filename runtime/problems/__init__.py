"""Objectives with numbers: what a kernel's arrays hold."""

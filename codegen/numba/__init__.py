"""The text of a program for Numba, on the CPU or for CUDA."""

"""Functions on rows of lanes, as a statement applies them: the logistic function and its derivatives."""

import math

from numba import njit


@njit
def logistic(z, y, lanes):
    for n in range(z.size):
        y[n] = 1.0 / (1.0 + math.exp(-z[n]))


@njit
def logistic_slope(z, dz, y, lanes):
    for n in range(z.size):
        value = 1.0 / (1.0 + math.exp(-z[n]))
        y[n] = value * (1.0 - value) * dz[n]


@njit
def shifted_product(x, w, y, lanes):
    """y_i = x_i w_(i+1), cyclically: it mixes rows, so that their order matters."""
    count = x.size // lanes
    for i in range(count):
        for lane in range(lanes):
            y[i * lanes + lane] = x[i * lanes + lane] * w[(i + 1) % count * lanes + lane]


@njit
def product_by_first(x, w, dx, y, lanes):
    shifted_product(dx, w, y, lanes)


@njit
def product_by_second(x, w, dw, y, lanes):
    shifted_product(x, dw, y, lanes)

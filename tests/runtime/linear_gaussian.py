"""Plain SGD on a quadratic stays Gaussian: its mean and covariance, and those of its equations, in closed
form.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optsde.runtime import Quadratic

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance of theta."""

    mean: Array
    covariance: Array

    def norm2(self) -> tuple[float, float]:
        """Mean and variance of ``|theta|**2``."""
        m, c = self.mean, self.covariance
        return float(m @ m + np.trace(c)), float(2 * np.trace(c @ c) + 4 * m @ c @ m)

    def first(self) -> tuple[float, float]:
        """Mean and variance of ``theta_0``."""
        return float(self.mean[0]), float(self.covariance[0, 0])


def optimizer(problem: Quadratic, start: Array, tau: float, steps: int, noise: float) -> Gaussian:
    """SGD, ``theta' = theta - tau (H (theta - minimum) + noise xi)``: the recursion of its moments, ``noise``
    of the regime.
    """
    h, s = problem.matrices["H"], problem.matrices["S"]
    contraction = np.eye(len(h)) - tau * h
    offset, covariance = start - problem.vectors["minimum"], np.zeros_like(h)
    for _ in range(steps):
        offset = contraction @ offset
        covariance = contraction @ covariance @ contraction.T + tau**2 * noise**2 * s
    return Gaussian(problem.vectors["minimum"] + offset, covariance)


def linear(problem: Quadratic, tau: float, order: int, noise: float) -> tuple[Array, Array]:
    """Rate R and diffusion matrix A of the equation ``dX = -R (X - minimum) dt + A^(1/2) dW`` (Li, Tai, E
    2017, 2019).

    Order 2: ``R = H + tau/2 H^2``; where the noise is of the order of the drift its factor is
    ``B + tau/2 H B``, else ``sqrt(tau) B``, whose correction belongs to order 3.
    """
    h, b = problem.matrices["H"], problem.matrix("B")
    second = order == 2
    factor = np.sqrt(tau) * noise * (b + (tau / 2 * h @ b if second and noise != 1 else 0))
    return h + (tau / 2 * h @ h if second else 0), factor @ factor.T


def equation(problem: Quadratic, start: Array, tau: float, time: float, order: int, noise: float) -> Gaussian:
    """The equation's exact law, in the eigenvectors of H, which are those of R."""
    rate, diffusion = linear(problem, tau, order, noise)
    rates, basis = np.linalg.eigh(rate)
    minimum = problem.vectors["minimum"]
    sums = rates[:, None] + rates[None, :]
    covariance = basis.T @ diffusion @ basis * -np.expm1(-sums * time) / sums
    offset = basis @ (np.exp(-rates * time) * (basis.T @ (start - minimum)))
    return Gaussian(minimum + offset, basis @ covariance @ basis.T)


def euler(
    problem: Quadratic, start: Array, tau: float, steps: int, substeps: int, order: int, noise: float
) -> Gaussian:
    """Euler-Maruyama's law for the equation."""
    rate, diffusion = linear(problem, tau, order, noise)
    dt = tau / substeps
    contraction = np.eye(len(rate)) - dt * rate
    offset, covariance = start - problem.vectors["minimum"], np.zeros_like(rate)
    for _ in range(steps * substeps):
        offset = contraction @ offset
        covariance = contraction @ covariance @ contraction.T + dt * diffusion
    return Gaussian(problem.vectors["minimum"] + offset, covariance)

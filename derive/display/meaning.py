"""What the names of smoothed functions mean."""

MEANING = (
    "with E_u = E u(X), Cov_u_w = Cov(u(X), w(Y)), X and Y Gaussian of means x, y, "
    "variances V, W, covariance U; D[1] = d/dx"
)
"""What the names of the moments mean, for people."""

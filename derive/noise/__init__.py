"""Laws of the gradient noise: cumulants, batches, the noise at neighbouring points."""

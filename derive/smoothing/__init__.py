"""Functions that are not smooth, as sign and clip, through their moments under Gaussian noise."""

"""From rule, regime and noise to the modified equation and its certificate."""

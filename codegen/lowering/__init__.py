"""From an optimizer or an equation to the statements of a step, and to kernels."""

"""Every scaling regime of an optimizer: the cells of exponent space, their limiting equations, and scaling
rules.
"""

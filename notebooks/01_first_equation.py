# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first equation
#
# RMSprop, as Callisti, Romito and Triggiano write it (arXiv 2509.21614), in two scaling regimes: derive its
# stochastic modified
# equation, look at it, simulate it beside the optimizer, and measure how far apart they are.

# %%
import optsde
from optsde import noise, optimizers, plots, regimes

# %% [markdown]
# ## The ballistic regime
#
# Learning rate $\tau$, $1-\beta = c\,\tau$, noise of order 1. The equation of weak order 2 exists.

# %%
sme = optsde.modified_equation(optimizers.rmsprop(), regimes.ballistic, noise.gaussian(), order=2)
sme

# %%
sme.certificate

# %% [markdown]
# ## The batch-equivalent regime
#
# Noise of order $\tau^{-1/2}$. Here the second moment fluctuates together with the square of the noise that
# drives the
# parameters. No diffusion has weak order 2, and the certificate says which third cumulant stands in the way.

# %%
law = noise.gaussian(constant=True)
batch = optsde.modified_equation(optimizers.rmsprop(), regimes.batch_equivalent, law, order=2)
batch

# %%
batch.certificate

# %% [markdown]
# ## Simulate
#
# The published quadratic. Both ensembles run in generated Numba kernels.

# %%
problem = optsde.Quadratic([[1, 0.5], [0.5, 1]], minimum_noise=0.25)
setting = optsde.Setting(
    problem,
    horizon=4,
    start={"theta": [1, 0.5], "v": 1},
    constants={"eps": 1e-3},
    observables=["norm(theta)**2", "norm(v)**2"],
)
few, smooth = optsde.Ensemble(paths=20_000), optsde.Integrator(regularisation="smooth")
optimizer = optsde.simulate(sme.chain, setting, tau=1 / 16, ensemble=few)
equation = optsde.simulate(sme, setting, tau=1 / 16, integrator=smooth, ensemble=few)
equation

# %%
plots.plot_means({"RMSprop": optimizer, "its equation": equation}, title="RMSprop and its equation")

# %% [markdown]
# ## Measure the weak error
#
# Optimizer and equation follow the same Brownian path, so the small difference of their means can be seen
# with few paths.

# %%
near = optsde.Setting(
    problem, horizon=1, constants={"eps": 1e-3}, observables=["norm(theta)**2", "theta[0]**2*v[0]"]
)
equations = {
    "order 1": optsde.modified_equation(
        optimizers.rmsprop(), regimes.ballistic, law, order=1, form="fluctuation"
    ),
    "order 2": sme,
}
taus, many = [2**-k for k in range(2, 6)], optsde.Ensemble(paths=50_000)
measured = {
    label: optsde.weak_error(one, near, taus=taus, integrator=smooth, ensemble=many)
    for label, one in equations.items()
}
plots.plot_weak_errors(plots.error_series(measured), title="RMSprop, ballistic regime")

# %%
measured["order 2"]

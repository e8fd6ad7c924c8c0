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
from IPython.display import Image, Math

from optsde.codegen.lowering.regularisation import smooth
from optsde.derive import ballistic, batch_equivalent, gaussian, modified_equation, rmsprop
from optsde.derive.display.latex import latex_obstruction
from optsde.runtime import Quadratic, simulate, weak_error
from optsde.runtime.results.plots import plot_means, plot_weak_errors
from optsde.runtime.results.results import error_series

# %% [markdown]
# ## The ballistic regime
#
# Learning rate $\tau$, $1-\beta = c\,\tau$, noise of order 1. The equation of weak order 2 exists.

# %%
sme = modified_equation(rmsprop(variant="paper"), regime=ballistic, noise=gaussian(), order=2)
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
batch = modified_equation(
    rmsprop(variant="paper"), regime=batch_equivalent, noise=gaussian(constant=True), order=2
)
batch

# %%
Math(latex_obstruction(batch))

# %% [markdown]
# ## Simulate
#
# The published quadratic. Both ensembles run in generated Numba kernels.

# %%
problem = Quadratic([[1, 0.5], [0.5, 1]], noise=0.25)
setting = {
    "tau": 1 / 16,
    "horizon": 4,
    "start": {"theta": [1, 0.5], "v": 1},
    "hyperparameters": {"eps": 1e-3},
    "paths": 20_000,
    "observables": ["norm(theta)**2", "norm(v)**2"],
}
optimizer = simulate(sme.chain, problem, **setting)
equation = simulate(sme, problem, **setting, regularisation=smooth())
figure = plot_means({"RMSprop": optimizer, "its equation": equation}, title="RMSprop and its equation")


# %%
def png(figure):
    """Show a figure that was made without pyplot."""
    from io import BytesIO

    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    return Image(stream.getvalue())


png(figure)

# %% [markdown]
# ## Measure the weak error
#
# Optimizer and equation follow the same Brownian path, so the small difference of their means can be seen
# with few paths.

# %%
measured = {}
for label, equation in {
    "order 1": modified_equation(
        rmsprop(), ballistic, gaussian(constant=True), order=1, form="fluctuation"
    ),
    "order 2": sme,
}.items():
    measured[label] = weak_error(
        equation, problem, taus=[2**-k for k in range(2, 6)], horizon=1, start={"theta": [1, 0.5], "v": 1},
        hyperparameters={"eps": 1e-3}, observables=["norm(theta)**2", "theta[0]**2*v[0]"], paths=50_000,
        regularisation=smooth(),
    )  # fmt: skip
png(plot_weak_errors(error_series(measured), title="RMSprop, ballistic regime"))

# %%
{label: {name: fit.slope for name, fit in study.slopes.items()} for label, study in measured.items()}

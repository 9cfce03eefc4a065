"""Inputs, counterfactual labels and tuples, drawn from a checked spec as columns; numpy only."""

from causalspec_runtime.counterfactuals.inputs import Columns, Sampler
from causalspec_runtime.counterfactuals.labels import counterfactual, interchange, outputs, values
from causalspec_runtime.counterfactuals.population import Population, Split
from causalspec_runtime.counterfactuals.strata import Strata, Stratum
from causalspec_runtime.counterfactuals.tuples import Pool, TupleSet, evaluation_set, training_pool, training_set

__all__ = [
    "Columns",
    "Pool",
    "Population",
    "Sampler",
    "Split",
    "Strata",
    "Stratum",
    "TupleSet",
    "counterfactual",
    "evaluation_set",
    "interchange",
    "outputs",
    "training_pool",
    "training_set",
    "values",
]

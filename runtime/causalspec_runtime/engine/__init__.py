"""The engine: run prompts once, then only the layers and tokens that an intervention can reach.

`Engine(lm)` is made once per LM; `collect` runs prompts through it, `train` learns a map at one site, `evaluate`
scores many maps on fresh prompts.
"""

from causalspec_runtime.engine.batch import InterchangeData
from causalspec_runtime.engine.collect import Pool, collect
from causalspec_runtime.engine.evaluate import Evaluation, ScoredCell, evaluate
from causalspec_runtime.engine.sites import Site
from causalspec_runtime.engine.suffix import Edit, Engine
from causalspec_runtime.engine.train import Recipe, TrainedCell, train

__all__ = [
    "Edit",
    "Engine",
    "Evaluation",
    "InterchangeData",
    "Pool",
    "Recipe",
    "ScoredCell",
    "Site",
    "TrainedCell",
    "collect",
    "evaluate",
    "train",
]

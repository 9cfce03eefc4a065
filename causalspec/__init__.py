"""causalspec: test hypotheses about what a language model computes."""

__all__ = ["__version__"]

__version__ = "0.1.0"

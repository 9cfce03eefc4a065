"""The runtime of causalspec: from a checked hypothesis to verdicts."""

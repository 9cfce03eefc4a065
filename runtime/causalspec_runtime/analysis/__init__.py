"""What a spec's text alone says of its hypotheses, before any LM: numpy only, each pass a pure function."""

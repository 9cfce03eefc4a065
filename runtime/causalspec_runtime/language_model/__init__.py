"""Language models: loading them, and prompts as their tokens."""

"""What a user can get wrong about a language model or its tokens, as exceptions.

Invariant: `message` says what is wrong in the user's terms, `hint` what to do about it; neither is parsed by anyone.
"""


class LmError(Exception):
    """A language model that cannot be used as asked."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n  help: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class TokenError(LmError):
    """A prompt or an answer that the tokenizer cuts in a way that leaves its meaning open."""

    def __init__(self, message: str, hint: str = "", prompt: str = "", about: str | None = None) -> None:
        """`about` is the hole that is meant; None where it is the prompt or the answers."""
        super().__init__(message, hint)
        self.prompt = prompt
        self.about = about

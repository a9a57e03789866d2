"""What a guard's flag is called, the same in every report."""

from __future__ import annotations

GUARD_WORDS = {
    "non_finite": "a loss is not finite",
    "gradient_high": "the gradient's norm is over its limit",
    "gradient_vanishing": "the gradient vanishes",
    "collapse": "a loss collapses",
    "dominance": "one task has nearly all of the gradient",
    "negative": "a loss is lower than it can be",
    "constant": "predictions are constant",
    "gap": "far better on training than on validation data",
    "no_improvement": "no improvement for long",
    "peak_at_end": "best at its last step",
    "not_reported": "a guard's metric was never reported",
}


def flag_words(kind: str) -> str:
    """Return what a kind of flag says; a kind that this version does not know is its own name."""
    return GUARD_WORDS.get(kind, kind)

"""Search spaces and techniques, one module per system: numbers and words, no logic."""

"""The five systems, as trainables: the only place that imports torch."""

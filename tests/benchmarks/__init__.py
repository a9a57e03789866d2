"""Benchmarks: what the engines cost, how well they search, and what survives ``kill -9``.

Besides, what a training step of PAT takes with fused and with plain attention.
``python -m tests.benchmarks`` prints tables; ``make bench`` calls it. A figure that misses its
target is said so in words and does not fail the command: times depend on the machine.
"""

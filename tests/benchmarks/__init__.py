"""Benchmarks: what the engines cost, how well they search, and what survives ``kill -9``.

``python -m tests.benchmarks`` prints tables; ``make bench`` calls it. A figure that misses its
target is said so in words and does not fail the command: times depend on the machine.
"""

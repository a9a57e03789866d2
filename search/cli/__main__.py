"""``python -m search.cli``: the console command, where it is not on the path."""

from search.cli.app import run

run()

"""The console command ``winnow``: one module per command."""

from search.cli.app import run

__all__ = ["run"]

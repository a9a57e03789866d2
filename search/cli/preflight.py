"""What a study's own check says, on the terminal."""

from __future__ import annotations

from rich.console import Console

from search.protocol.preflight import preflight
from search.protocol.searching import Options
from search.study import Study


def print_preflight(console: Console, study: Study, options: Options) -> None:
    """Print the sentences of a study's preflight, a line each."""
    for sentence in preflight(study, options):
        console.print(f"! {sentence}", highlight=False, markup=False, soft_wrap=True)

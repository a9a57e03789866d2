"""A page: one HTML file that opens without a network, for any kind of report.

A report's template extends ``page.html`` and draws its figures with the macros beside it. Text
is escaped by Jinja; data for scripts travels as JSON in which no ``<`` is left to end a script.
Plotly's script is in the file, once; a content security policy forbids every request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import plotly.io
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from search.reports import palette, text
from search.reports.figures import Drawing

CSS_TONES = {
    "ink": palette.INK,
    "muted": palette.MUTED,
    "grid": palette.GRID,
    "ground": palette.GROUND,
    "accent": palette.COMPLETE,
    "best": palette.BEST,
    "baseline": palette.BASELINE,
    "good": palette.RUNNING,
    "bad": palette.DIVERGED,
    **palette.OUTCOME,
}


def page(template: str, drawings: Iterable[Drawing], **context: Any) -> str:
    """Return a template as one self-contained page.

    Parameters
    ----------
    template
        Name of a template that extends ``page.html``.
    drawings
        Every figure that the template shows.
    context
        What the template calls by name.
    """
    found = tuple(drawings)
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            drawings={drawing.key: drawing for drawing in found},
            figures=script_json(_specification(found)) if found else None,
            plotly=_plotly() if found else None,
            tones=CSS_TONES,
        )
    )


def script_json(value: Any) -> Markup:
    r"""Return JSON that may stand inside a script element, whatever text it holds.

    Examples
    --------
    >>> print(script_json({"name": "</script>"}))
    {"name": "\u003c/script\u003e"}
    """
    found = json.dumps(value)
    for character in "<>&\u2028\u2029":
        found = found.replace(character, f"\\u{ord(character):04x}")
    return Markup(found)


def _specification(drawings: Iterable[Drawing]) -> dict[str, Any]:
    figures = {drawing.key: json.loads(plotly.io.to_json(drawing.figure)) for drawing in drawings}
    for figure in figures.values():
        figure["layout"].pop("template", None)  # the same for all: sent once
    shared = json.loads(plotly.io.to_json({"layout": {"template": palette.template()}}))
    return {
        "template": shared["layout"]["template"],
        "dark": palette.dark_of(),
        "figures": figures,
    }


@lru_cache(maxsize=1)
def _plotly() -> Markup:
    """Return plotly's script; inside the file it must not end its own element."""
    return Markup(get_plotlyjs().replace("</script", "<\\/script"))


def _printed(value: Any) -> Any:
    """Return what a template prints: text without control characters, then escaped by Jinja."""
    return text.printable(value) if type(value) is str else value


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("search.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "number": text.number,
        "signed": text.signed,
        "percent": text.percent,
        "duration": text.duration,
        "shown": text.shown,
        "plural": text.plural,
    }
    return found

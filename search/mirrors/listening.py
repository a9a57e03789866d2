"""Several listeners of one stream."""

from __future__ import annotations

from search.engine.stream import Listener, Stream


def together(*listeners: Listener | None) -> Listener:
    """Return a listener that calls the others in their order."""
    found = [listener for listener in listeners if listener is not None]

    def tell(stream: Stream) -> None:
        for listener in found:
            listener(stream)

    return tell

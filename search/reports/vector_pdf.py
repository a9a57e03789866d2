"""Pictures as PDF (ISO 32000-1), one page, with the fonts every reader has.

Text is set in Helvetica, Greek and a few signs in Symbol; characters that neither has lose their
accents, or become "?". Where that matters, convert the SVG, which keeps them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from search.reports.palette import Tone
from search.reports.text import printable
from search.reports.vector import Dot, Path, Picture, Shape, Words, text_width

ROUND = 0.5523  # of the radius: control points of a quarter circle
GREEK = dict(
    zip("αβχδεφγηιϕκλμνοπθρστυωξψζ", b"abcdefghijklmnopqrstuwxyz", strict=True)
    # Symbol has no place of its own for v (an old pi), which is left out
)
SIGNS = {"≤": 0xA3, "≥": 0xB3, "∞": 0xA5, "→": 0xAE, "Δ": 0x44, "Σ": 0x53, "Ω": 0x57, "Φ": 0x46}
SYMBOL = {**GREEK, **SIGNS}
LATIN = {"−": "–", "’": "'"}


def pdf(picture: Picture) -> bytes:
    """Return a picture as a PDF document."""
    stream = "\n".join(_commands(picture)).encode("latin-1")
    states = "".join(f"/a{i} << /ca {alpha:.3f} >> " for i, alpha in enumerate(_alphas(picture)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R "
            f"/MediaBox [0 0 {picture.width:.2f} {picture.height:.2f}] /Contents 4 0 R "
            f"/Resources << /Font << /F 5 0 R /B 6 0 R /S 7 0 R >> "
            f"/ExtGState << {states}>> >> >>"
        ).encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        _font("Helvetica", "/Encoding /WinAnsiEncoding"),
        _font("Helvetica-Bold", "/Encoding /WinAnsiEncoding"),
        _font("Symbol", ""),
        b"<< /Title %s /Producer (winnow) >>" % _title(picture.title),
    ]
    return _document(objects)


def _document(objects: Sequence[bytes]) -> bytes:
    found = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(found))
        found += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(found)
    found += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    found += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    found += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (
        len(objects) + 1,
        len(objects),
    )
    found += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(found)


def _font(name: str, encoding: str) -> bytes:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} {encoding} >>".encode()


def _title(text: str) -> bytes:
    """Return text as a PDF string in UTF-16, which holds every character."""
    return b"<" + (b"\xfe\xff" + printable(text).encode("utf-16-be")).hex().encode() + b">"


def _alphas(picture: Picture) -> list[float]:
    shapes = [s.opacity for s in picture.shapes if isinstance(s, Path) and s.opacity < 1]
    return sorted(set(shapes))


def _commands(picture: Picture) -> Iterator[str]:
    alphas = _alphas(picture)
    for shape in picture.shapes:
        yield "q"
        yield from _drawn(shape, picture.height, alphas)
        yield "Q"


def _drawn(shape: Shape, height: float, alphas: Sequence[float]) -> Iterator[str]:
    match shape:
        case Path():
            yield from _path(shape, height, alphas)
        case Dot():
            yield _colour(shape.tone, "RG")
            yield _colour(shape.tone, "rg") if shape.filled else "1 1 1 rg"
            yield "1.2 w"
            yield _circle(shape.at[0], height - shape.at[1], shape.radius)
            yield "B"
        case Words():
            yield from _words(shape, height)


def _path(shape: Path, height: float, alphas: Sequence[float]) -> Iterator[str]:
    start, *rest = [f"{x:.2f} {height - y:.2f}" for x, y in shape.points]
    course = " ".join([f"{start} m", *(f"{point} l" for point in rest)])
    if shape.opacity < 1:
        yield f"/a{alphas.index(shape.opacity)} gs {_colour(shape.tone, 'rg')} {course} h f"
        return
    dash = " ".join(f"{length:g}" for length in shape.dash)
    yield f"{_colour(shape.tone, 'RG')} {shape.width:.2f} w [{dash}] 0 d {course} S"


def _circle(x: float, y: float, r: float) -> str:
    c = ROUND * r
    quarters = (
        (x + r, y + c, x + c, y + r, x, y + r),
        (x - c, y + r, x - r, y + c, x - r, y),
        (x - r, y - c, x - c, y - r, x, y - r),
        (x + c, y - r, x + r, y - c, x + r, y),
    )
    curves = " ".join(" ".join(f"{v:.2f}" for v in quarter) + " c" for quarter in quarters)
    return f"{x + r:.2f} {y:.2f} m {curves} h"


def _words(shape: Words, height: float) -> Iterator[str]:
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
    x = shape.at[0] - share * text_width(printable(shape.text), shape.size)
    yield f"BT {_colour(shape.tone, 'rg')} {x:.2f} {height - shape.at[1]:.2f} Td"
    face = "B" if shape.bold else "F"
    for symbolic, run in _runs(printable(shape.text).replace("\n", " ")):
        yield f"/{'S' if symbolic else face} {shape.size:.2f} Tf <{run.hex()}> Tj"
    yield "ET"


def _runs(text: str) -> Iterator[tuple[bool, bytes]]:
    """Yield pieces of text in one font each: (in Symbol, its bytes)."""
    current: bytearray = bytearray()
    symbolic = False
    for character in text:
        here = character in SYMBOL
        if here != symbolic and current:
            yield symbolic, bytes(current)
            current = bytearray()
        symbolic = here
        current += bytes([SYMBOL[character]]) if here else _latin(character)
    if current:
        yield symbolic, bytes(current)


def _latin(character: str) -> bytes:
    known = LATIN.get(character, character)
    try:
        return known.encode("cp1252")
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", known).encode("ascii", "ignore")
        return plain or b"?"


def _colour(tone: Tone, operator: str) -> str:
    parts = [int(tone.light[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return " ".join(f"{part:.3f}" for part in parts) + f" {operator}"

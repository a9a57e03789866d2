"""One stamp as bytes: a NumPy archive of three images, which may be compressed once more.

Files come from elsewhere: nothing is unpickled, and nothing is unpacked that is larger than a stamp
can be.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.gen5_prime.stamps import BANDS, SIZE, Images

NAMES: Final = tuple(f"image_{band}" for band in BANDS)
GZIP: Final = b"\x1f\x8b"  # what gzip's bytes begin with
LARGEST: Final = SIZE * SIZE * 8 + 4096  # bytes of an image as float64, with its header
UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,  # of zipfile: an archive with a password, or a compression it does not know
)


class StampError(ValueError):
    """Bytes are no stamp."""


def pack(image: Images) -> bytes:
    """Return a stamp as bytes.

    Parameters
    ----------
    image : ndarray of float32, shape (3, 64, 64)
    """
    file = io.BytesIO()
    np.savez(file, **dict(zip(NAMES, image, strict=True)))
    return file.getvalue()


def unpack(content: object) -> Images:
    """Return the stamp that bytes hold, shape (3, 64, 64).

    Raises
    ------
    StampError
        If they hold none, saying why.

    Examples
    --------
    >>> image = np.zeros((3, 64, 64), np.float32)
    >>> bool((unpack(pack(image)) == image).all())
    True
    """
    if not isinstance(content, bytes):
        raise StampError("is missing")
    try:
        plain = _unzipped(content)
        with zipfile.ZipFile(io.BytesIO(plain)) as archive:
            images = [_image(archive, name) for name in NAMES]
    except StampError:
        raise
    except UNREADABLE as error:
        raise StampError("is no archive of images") from error
    return np.stack(images)


def _unzipped(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        limit = len(NAMES) * LARGEST
        plain = file.read(limit + 1)
    if len(plain) > limit:
        raise StampError("is larger than a stamp")
    return plain


def _image(archive: zipfile.ZipFile, name: str) -> NDArray[np.float32]:
    entry = f"{name}.npy"
    if entry not in archive.namelist():
        raise StampError(f"lacks {name}")
    if archive.getinfo(entry).file_size > LARGEST:
        raise StampError(f"has a larger {name} than {SIZE} by {SIZE}")
    with archive.open(entry) as file:
        found = np.lib.format.read_array(file, allow_pickle=False)
    if found.shape != (SIZE, SIZE) or found.dtype.kind != "f":
        raise StampError(f"has {name} of another shape or type than floats, {SIZE} by {SIZE}")
    with np.errstate(over="ignore"):  # what is too large is refused below
        image = found.astype(np.float32)
    if not np.isfinite(image).all():
        raise StampError(f"has numbers in {name} that are not finite")
    return image

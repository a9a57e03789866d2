"""A stamp survives as bytes, and what is none is told apart."""

import gzip
import io
import pickle

import numpy as np
import pytest

from trainables.gen5_prime.stamp_bytes import StampError, pack, unpack

IMAGE = np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32)


def archive(**images):
    file = io.BytesIO()
    np.savez(file, **images)
    return file.getvalue()


def bands(**changes):
    found = {f"image_{band}": IMAGE[place] for place, band in enumerate("grz")}
    return archive(**(found | changes))


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_a_stamp_is_what_it_was(wrap):
    np.testing.assert_array_equal(unpack(wrap(pack(IMAGE))), IMAGE)


def test_compressed_archives_and_other_floats_are_read():
    file = io.BytesIO()
    np.savez_compressed(file, **{f"image_{band}": IMAGE[0].astype(np.float64) for band in "grz"})
    found = unpack(file.getvalue())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[2], IMAGE[0])


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("something was unpickled",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is missing"),
        ("text", "is missing"),
        (b"", "no archive"),
        (b"PK\x03\x04 nonsense", "no archive"),
        (pickle.dumps(Exploding()), "no archive"),
        (pack(IMAGE)[:5000], "no archive"),
        (pack(IMAGE)[:8000] + b"\0\0\0\0" + pack(IMAGE)[8004:], "no archive"),  # a checksum is off
        (gzip.compress(pack(IMAGE))[:-9], "no archive"),
        (gzip.compress(bytes(10_000_000)), "larger than a stamp"),
        (archive(image_g=IMAGE[0], image_r=IMAGE[1]), "lacks image_z"),
        (bands(image_r=IMAGE[0, :32]), "image_r of another shape"),
        (bands(image_r=np.zeros((64, 64), np.int64)), "image_r of another shape or type"),
        (bands(image_r=np.array([[Exploding()]])), "no archive"),
        (bands(image_z=np.zeros((1000, 1000))), "larger image_z"),
        (bands(image_z=np.full((64, 64), np.nan)), "image_z that are not finite"),
        (bands(image_z=np.full((64, 64), 1e300)), "image_z that are not finite"),
    ],
)
def test_what_is_no_stamp_says_why(content, why):
    with pytest.raises(StampError, match=why):
        unpack(content)

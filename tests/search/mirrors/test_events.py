"""Event files: against TensorBoard's own reader where it is installed, and by what they hold."""

from __future__ import annotations

import struct

import pytest

from search.mirrors.events import crc32c, event_file, record


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_checksums_are_those_of_rfc_3720(data, crc):
    assert crc32c(data) == crc


def test_a_record_is_framed_by_its_length_and_two_checksums():
    found = record(b"abc")
    assert len(found) == 8 + 4 + 3 + 4
    assert struct.unpack("<Q", found[:8]) == (3,)
    assert found[12:15] == b"abc"


def test_tensorboard_reads_back_what_was_written(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    path = tmp_path / "events.out.tfevents.1.winnow"
    steps = [
        (100.5 + i, i, {"val_ap": i / 7, "größe": 1e300, "loss": float("nan")}) for i in (1, 2, 300)
    ]
    path.write_bytes(event_file(99.0, steps))
    found = accumulator.EventAccumulator(str(path))
    found.Reload()
    assert set(found.Tags()["scalars"]) == {"val_ap", "größe", "loss"}
    read = found.Scalars("val_ap")
    assert [(event.wall_time, event.step) for event in read] == [(w, s) for w, s, _ in steps]
    assert [event.value for event in read] == pytest.approx([i / 7 for i in (1, 2, 300)])
    assert found.Scalars("größe")[0].value == float("inf")

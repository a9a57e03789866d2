"""Checkpoints to write in tests, and which of them are found."""

from search.engine.checkpoints import intact_checkpoints


def saving(text):
    """Return a `save` that writes a text, and more in a folder."""

    def save(directory):
        (directory / "model.txt").write_text(text)
        (directory / "deep").mkdir()
        (directory / "deep" / "more.bin").write_bytes(text.encode() * 10)

    return save


def steps(folder):
    """Return the steps of the intact checkpoints, newest first."""
    return [step for step, _ in intact_checkpoints(folder)]

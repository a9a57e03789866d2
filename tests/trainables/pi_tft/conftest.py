import numpy as np
import pytest

from trainables.pi_tft.sequences import Events, Splits

LENGTH, TEMPORAL, STATIC, MISS = 6, 5, 3, 1


def events(seed: int, size: int, first_id: int = 0) -> Events:
    """Events whose label can be learnt from the last message; no generator is involved."""
    rng = np.random.default_rng([seed, first_id])
    mask = np.arange(LENGTH) >= (LENGTH - rng.integers(1, LENGTH + 1, size))[:, None]
    temporal = rng.normal(size=(size, LENGTH, TEMPORAL)) * mask[:, :, None]
    signal = 2 * temporal[:, -1, 0] - temporal[:, -1, MISS] + rng.normal(size=size)
    label = signal > np.quantile(signal, 0.8)
    log_miss = 6 + temporal[:, -1, MISS] + 0.3 * rng.normal(size=size)
    return Events(
        temporal=temporal.astype(np.float32),
        mask=mask,
        time_to_tca=(np.linspace(7, 2, LENGTH) * mask).astype(np.float32),
        static=rng.normal(size=(size, STATIC)).astype(np.float32),
        label=label.astype(np.float32),
        risk=np.where(label, -5.0, -9.0).astype(np.float32),
        log_miss=log_miss.astype(np.float32),
        max_risk_estimate=rng.uniform(-8, -3, size).astype(np.float32),
        mahalanobis=rng.uniform(0.1, 6, size).astype(np.float32),
        log_miss_latest=(6 + temporal[:, -1, MISS]).astype(np.float32),
        log_sigma=rng.uniform(2, 6, size).astype(np.float32),
        event_id=np.arange(first_id, first_id + size),
        temporal_names=tuple(f"column_{i}" for i in range(TEMPORAL)),
        static_names=tuple(f"fixed_{i}" for i in range(STATIC)),
        miss_index=MISS,
    )


@pytest.fixture(scope="session")
def splits() -> Splits:
    return Splits(events(0, 96), events(0, 60, 1000), events(0, 64, 2000))

"""Building blocks that several systems share: losses, pooling, averaging, gradient surgery, calibration."""

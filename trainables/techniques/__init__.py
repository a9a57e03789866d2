"""Building blocks that several systems share: losses, pooling, averaging, surgery, calibration."""

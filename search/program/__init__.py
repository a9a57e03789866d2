"""Programs as trainables: one process for each run, whose metrics are read as they appear."""

"""Statistics of the priority table: pure functions on arrays and frozen records."""

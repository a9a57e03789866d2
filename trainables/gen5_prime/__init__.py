"""Gen5-Prime: finding gravitational lenses on pairs of stamps, with tests for shortcuts."""

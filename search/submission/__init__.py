"""A study as a job on a Ray cluster: what is uploaded, what is checked, how one follows it."""

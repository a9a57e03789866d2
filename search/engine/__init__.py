"""Engines: the local one (in this process) and Ray Tune; both serve one stream of jobs."""

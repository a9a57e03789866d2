"""The pictures of docs/statistics.md, drawn by winnow's own statistics."""

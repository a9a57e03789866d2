"""ESM-2 pair classifier: whether two proteins come from one isolate, by frozen embeddings."""

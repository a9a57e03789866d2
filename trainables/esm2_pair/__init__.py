"""ESM-2 pair classifier: do two proteins come from one isolate, judged by frozen embeddings?"""

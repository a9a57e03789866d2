"""Multi-Resolution HAN: leave-one-out over the steps of its architecture, and its size."""

from search import Effort, Technique

ARCHITECTURE = (
    Technique("No feature embeddings", on={"model.feature_embeddings": False}),
    Technique("No day of the week, no month", on={"model.positions": "sinusoidal"}),
    Technique("No positions", on={"model.positions": "none"}),
    Technique("No attention across regions", on={"model.geographic": False}),
    Technique("Sources side by side", on={"model.fusion": "concat"}),
    Technique("No gate of sources", on={"model.fusion": "attention"}),
    Technique("No convolutions", on={"model.kernels": "none"}),
    Technique("Attention to a week", on={"model.window": 7}),
    Technique(
        "Means of months",
        on={"model.aggregation": "mean"},
        expected_note="NOT simple averaging",
    ),
    Technique("Months not apart", on={"model.aggregation": "attention"}),
    Technique("No fusion of resolutions", on={"model.cross_resolution": "none"}),
    Technique("Days to months only", on={"model.cross_resolution": "daily_to_monthly"}),
    Technique("No temporal encoder", on={"model.temporal_layers": 0}),
    Technique("Two layers per source", on={"model.source_layers": 2}),
    Technique(
        "Parameters to the fusion",
        on={"model.fusion_layers": 2, "model.cross_layers": 2},
        expected_note="move parameters from encoders to fusion layers",
        effort=Effort.HIGH,
        effort_note="medium-term",
    ),
    Technique("Width 8", on={"model.width": 8}, expected_note="a simpler architecture"),
    Technique("Width 32", on={"model.width": 32}, expected_note="11.61 against 11.57"),
    Technique(
        "Width 32 with cosine",
        on={"model.width": 32, "optim.schedule": "cosine", "optim.warmup": 0.2},
        expected_note="cosine helps the larger model recover, and not the smaller one",
    ),
    Technique("Cosine", on={"optim.schedule": "cosine", "optim.warmup": 0.2}),
)

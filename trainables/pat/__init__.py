"""The Pretrained Actigraphy Transformer: classification of a week of minute-level activity."""

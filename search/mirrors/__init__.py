"""What others are told while a study runs: a webhook, trackers. Copies, never a source of truth."""

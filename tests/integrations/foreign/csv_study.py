"""The same script, whose metrics are read from a CSV file."""

from loops_shared import study

import search

WORDS = "python loops_train.py --config {config} --seed {seed} --csv {out}/log.csv {max_steps}"

STUDY = study("csv", search.command(WORDS, metrics="{out}/log.csv", format="csv", step="epoch"))

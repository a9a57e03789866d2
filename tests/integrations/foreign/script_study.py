"""A loop in a script of its own, which knows nothing of winnow."""

from loops_shared import study

import search

WORDS = "python loops_train.py --lr {optim.lr} --decay {optim.decay} --seed {seed} {max_steps}"

STUDY = study("script", search.command(WORDS))

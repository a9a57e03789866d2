"""Do variants and further ideas help the pair classifier: NT-Xent, other towers, unit differences?

winnow run studies/esm2_pair_further.py --profile quick
"""

from dataclasses import replace

from esm2_pair import STUDY as TABLE

from search import Objective, main
from spaces.esm2_pair import FURTHER

# several seeds vote on the same pairs
STUDY = replace(
    TABLE,
    name="esm2-pair-further",
    techniques=FURTHER,
    secondary=(
        *TABLE.secondary,
        Objective("test_f0_5", "maximize"),
        Objective("test_f2", "maximize"),
        Objective("test_ece", "minimize"),
    ),
    replication="fixed",
)

if __name__ == "__main__":
    main(STUDY)

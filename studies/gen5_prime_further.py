"""Do variants help the lens finder: unpaired turns, copies as controls, other schedules and stems?

winnow run studies/gen5_prime_further.py --profile quick
"""

from dataclasses import replace

from gen5_prime import STUDY as TABLE

from search import Objective, main
from spaces.gen5_prime_further import FURTHER

# several seeds vote on the same pairs
STUDY = replace(
    TABLE,
    name="gen5-prime-further",
    techniques=FURTHER,
    secondary=(*TABLE.secondary, Objective("test_f2", "maximize")),
    replication="fixed",
)

if __name__ == "__main__":
    main(STUDY)

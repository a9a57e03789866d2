"""Which configuration of the lens finder is best, whichever techniques it takes?

winnow search studies/gen5_prime_search.py --trials 64
python studies/gen5_prime_search.py search --data FOLDER         # Parquet files of stamps
"""

from dataclasses import replace

from gen5_prime import STUDY as TABLE

from search import main
from spaces.gen5_prime import SEARCH_SPACE

STUDY = replace(TABLE, name="gen5-prime-search", space=SEARCH_SPACE, techniques=())

if __name__ == "__main__":
    main(STUDY)

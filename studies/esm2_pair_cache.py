"""How much time does an embedding cache save, at the same quality?

winnow run studies/esm2_pair_cache.py --profile quick
"""

from dataclasses import replace

from esm2_pair import STUDY as TABLE

from search import main
from spaces.esm2_pair_cache import CACHE, CACHE_SPACE

STUDY = replace(TABLE, name="esm2-pair-cache", space=CACHE_SPACE, techniques=CACHE)

if __name__ == "__main__":
    main(STUDY)

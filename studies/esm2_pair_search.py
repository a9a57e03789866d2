"""Which configuration of the pair classifier is best, whichever techniques it takes?

winnow search studies/esm2_pair_search.py --trials 64
python studies/esm2_pair_search.py search --data FOLDER          # sequences, and their embeddings
"""

from dataclasses import replace

from esm2_pair import STUDY as TABLE

from search import main
from spaces.esm2_pair import SEARCH_SPACE

STUDY = replace(TABLE, name="esm2-pair-search", space=SEARCH_SPACE, techniques=())

if __name__ == "__main__":
    main(STUDY)

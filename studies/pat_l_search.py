"""Which configuration of PAT is best, whichever techniques it takes?

winnow search studies/pat_l_search.py --trials 32
python studies/pat_l_search.py search --data FOLDER              # Depresjon or NHANES files
"""

from dataclasses import replace

from pat_l import STUDY as TABLE

from search import main
from spaces.pat_l import SEARCH_SPACE

STUDY = replace(TABLE, name="pat-l-search", space=SEARCH_SPACE, techniques=(), max_steps=15)

if __name__ == "__main__":
    main(STUDY)

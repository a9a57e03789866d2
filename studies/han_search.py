"""Which configuration of the HAN is best, whichever techniques it takes?

winnow search studies/han_search.py --trials 32
python studies/han_search.py search --data FOLDER       # daily_panel.parquet, monthly_panel.parquet
"""

from dataclasses import replace

from han import STUDY as TABLE

from search import main
from spaces.han import SEARCH_SPACE

STUDY = replace(TABLE, name="han-search", space=SEARCH_SPACE, techniques=())

if __name__ == "__main__":
    main(STUDY)

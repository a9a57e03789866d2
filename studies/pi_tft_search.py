"""Which configuration of PI-TFT is best, whichever techniques it takes?

winnow search studies/pi_tft_search.py --trials 32
python studies/pi_tft_search.py search --data train_data.csv     # the official files
"""

from dataclasses import replace

from pi_tft import STUDY as TABLE

from search import main
from spaces.pi_tft import SEARCH_SPACE

STUDY = replace(TABLE, name="pi-tft-search", space=SEARCH_SPACE, techniques=())

if __name__ == "__main__":
    main(STUDY)

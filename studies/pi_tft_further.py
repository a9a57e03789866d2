"""Do the further ideas of PI-TFT's source document help: class weighting, GradNorm, task groups?

winnow run studies/pi_tft_further.py --profile quick
"""

from dataclasses import replace

from pi_tft import STUDY as TABLE

from search import main
from spaces.pi_tft import FURTHER

STUDY = replace(TABLE, name="pi-tft-further", techniques=FURTHER)

if __name__ == "__main__":
    main(STUDY)

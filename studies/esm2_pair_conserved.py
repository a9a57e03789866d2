"""Do the same techniques help where proteins hardly drift, as PB2, PB1 and PA of influenza?

winnow run studies/esm2_pair_conserved.py --profile quick
winnow run studies/esm2_pair_conserved.py --data FOLDER    # the PB2, PB1 and PA of influenza
"""

from dataclasses import replace

from esm2_pair import STUDY as TABLE

from search import main
from spaces.esm2_pair import CONSERVED_SPACE
from trainables.esm2_pair.real_data import load_polymerase

STUDY = replace(TABLE, name="esm2-pair-conserved", space=CONSERVED_SPACE, data=load_polymerase)

if __name__ == "__main__":
    main(STUDY)

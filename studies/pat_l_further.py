"""Do further ideas for PAT help: ensembles of sizes or seeds, gradual unfreezing, regularisation?

winnow run studies/pat_l_further.py --profile quick
"""

from dataclasses import replace

from pat_l import STUDY as TABLE

from search import main
from spaces.pat_l import FURTHER

# several seeds vote on the same people
STUDY = replace(TABLE, name="pat-l-further", techniques=FURTHER, replication="fixed")

if __name__ == "__main__":
    main(STUDY)

"""Do the source document's further ideas help the HAN: other weights, penalties, consistency?

winnow run studies/han_further.py --profile quick
"""

from dataclasses import replace

from han import STUDY as TABLE

from search import main
from spaces.han_further import FURTHER

# several seeds vote on the same days
STUDY = replace(TABLE, name="han-further", techniques=FURTHER, replication="fixed")

if __name__ == "__main__":
    main(STUDY)

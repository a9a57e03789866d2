"""What is each part of the HAN worth? Leave-one-out over its steps, and its size.

winnow run studies/han_architecture.py --profile quick
"""

from dataclasses import replace

from han import STUDY as TABLE

from search import main
from spaces.han_architecture import ARCHITECTURE

STUDY = replace(TABLE, name="han-architecture", techniques=ARCHITECTURE)

if __name__ == "__main__":
    main(STUDY)

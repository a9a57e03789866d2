"""What if controls have their stamps' own noise, as published, and what is deployed on has none?

winnow run studies/gen5_prime_published.py --profile quick
"""

from dataclasses import replace

from gen5_prime import STUDY as TABLE

from search import main
from spaces.gen5_prime import PUBLISHED_SPACE

STUDY = replace(TABLE, name="gen5-prime-published", space=PUBLISHED_SPACE)

if __name__ == "__main__":
    main(STUDY)

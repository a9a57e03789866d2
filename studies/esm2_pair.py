"""Which techniques help tell whether two proteins come from one isolate, by frozen embeddings?

winnow run studies/esm2_pair.py --profile quick           # the priority table
winnow run studies/esm2_pair.py --data FOLDER             # sequences, and their embeddings
"""

from search import ASHA, Objective, Study, main
from spaces.esm2_pair import SPACE, TECHNIQUES
from trainables.esm2_pair.metrics import evaluate
from trainables.esm2_pair.preflight import preflight
from trainables.esm2_pair.real_data import load_isolates
from trainables.esm2_pair.reference import concatenation, difference, nearest_neighbour
from trainables.esm2_pair.trainable import Esm2Pair

STUDY = Study(
    name="esm2-pair",
    trainable=Esm2Pair,
    space=SPACE,
    techniques=TECHNIQUES,
    objective=Objective("val_hard_auroc", "maximize"),
    evaluation=Objective("test_hard_auroc", "maximize"),
    secondary=(
        Objective("test_f1", "maximize"),
        Objective("test_auroc", "maximize"),
        Objective("test_ap", "maximize"),
        Objective("test_accuracy", "maximize"),
    ),
    smallest_gain=0.01,
    max_steps=12,
    pruner=ASHA(grace_steps=1, reduction_factor=3),
    data=load_isolates,
    metrics=evaluate,
    preflight=preflight,
    # the source document's areas, against all of its negatives, on splits by isolate
    targets={
        "HA-NA, all negatives": 0.953,
        "Bunya, all negatives": 0.927,
        "PB2-PB1-PA, all negatives": 0.750,
    },
    reference_lines={
        "Logistic regression on both": concatenation,
        "Logistic regression on the difference": difference,
        "Nearest neighbour": nearest_neighbour,
    },
)

if __name__ == "__main__":
    main(STUDY)

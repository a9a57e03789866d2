"""Which training techniques help PAT tell depressed people's activity from others'?

winnow run studies/pat_l.py --profile quick               # the priority table
winnow run studies/pat_l.py --data FOLDER                 # Depresjon or NHANES files
"""

from search import ASHA, Objective, Study, main
from spaces.pat_l import SPACE, TECHNIQUES
from trainables.pat.preflight import preflight
from trainables.pat.real_data import load_actigraphy
from trainables.pat.reference import logistic_regression, random_forest
from trainables.pat.trainable import Pat
from trainables.techniques.binary import evaluate

STUDY = Study(
    name="pat-l",
    trainable=Pat,
    space=SPACE,
    techniques=TECHNIQUES,
    objective=Objective("val_auroc", "maximize"),
    evaluation=Objective("test_auroc", "maximize"),
    secondary=(
        Objective("test_ap", "maximize"),
        Objective("test_f1", "maximize"),
        Objective("test_ece", "minimize"),
    ),
    smallest_gain=0.02,
    max_steps=10,
    pruner=ASHA(grace_steps=1, reduction_factor=3),
    data=load_actigraphy,
    metrics=evaluate,
    preflight=preflight,
    # on the survey (NHANES 2013-14); 0.625 is one training size of a linear probe, not a headline
    targets={"PAT-L": 0.589, "PAT Conv-L": 0.610, "Conv-L, probe, n = 2,800": 0.625},
    reference_lines={
        "Logistic regression": logistic_regression,
        "Random forest": random_forest,
    },
)

if __name__ == "__main__":
    main(STUDY)

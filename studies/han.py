"""Which techniques help a network forecast a conflict from many tasks, most of them unlabelled?

winnow run studies/han.py --profile quick               # the priority table
winnow run studies/han.py --data FOLDER                 # daily_panel.parquet, monthly_panel.parquet
"""

from search import ASHA, Criterion, Guard, Objective, Study, main
from search.guards import DEFAULT_GUARDS
from spaces.han import SPACE, TECHNIQUES
from trainables.han.batch import TASKS
from trainables.han.metrics import evaluate
from trainables.han.preflight import preflight
from trainables.han.real_panels import load_panels
from trainables.han.reference import constant, persistence, ridge_and_logistic
from trainables.han.trainable import Han

STUDY = Study(
    name="han",
    trainable=Han,
    space=SPACE,
    techniques=TECHNIQUES,
    objective=Objective("val_skill", "maximize"),
    evaluation=Objective("test_skill", "maximize"),
    secondary=tuple(Objective(f"test_skill_{task}", "maximize") for task in TASKS),
    smallest_gain=0.02,
    max_steps=4,
    pruner=ASHA(grace_steps=1, reduction_factor=3),
    data=load_panels,
    metrics=evaluate,
    preflight=preflight,
    guards=(*DEFAULT_GUARDS, Guard("negative", metric="train_loss")),
    # what the source document expects of its techniques, in its section 18.4
    criteria=[
        Criterion("ratio_forecast", "minimize", 5.0, "forecast: validation under 5 times training"),
        Criterion("train_loss_casualty", "maximize", 0.1, "casualties not collapsed: over 0.1"),
        Criterion("train_loss_anomaly", "maximize", 0.1, "anomalies not collapsed: over 0.1"),
        Criterion("train_loss_transition", "maximize", 0.1, "transitions not collapsed: over 0.1"),
        Criterion("train_loss", "maximize", 0.0, "the total is never negative"),
    ],
    reference_lines={
        "Constant": constant,
        "Persistence": persistence,
        "Ridge and logistic regression": ridge_and_logistic,
    },
)

if __name__ == "__main__":
    main(STUDY)

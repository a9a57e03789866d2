"""Which training techniques help PI-TFT foresee dangerous conjunctions of satellites?

winnow run studies/pi_tft.py --profile quick              # the priority table
python studies/pi_tft.py run --data train_data.csv        # the official files, if you have them
"""

from search import ASHA, Objective, Study, main
from spaces.pi_tft import SPACE, TECHNIQUES
from trainables.pi_tft.real_data import load_messages
from trainables.pi_tft.reference_lines import boosted_trees, latest_message
from trainables.pi_tft.trainable import PiTft
from trainables.techniques.binary import evaluate

STUDY = Study(
    name="pi-tft",
    trainable=PiTft,
    space=SPACE,
    techniques=TECHNIQUES,
    objective=Objective("val_ap", "maximize"),
    evaluation=Objective("test_ap", "maximize"),
    secondary=(
        Objective("test_auroc", "maximize"),
        Objective("test_f1", "maximize"),
        Objective("test_f1_tuned", "maximize"),
        Objective("test_challenge", "minimize"),
        Objective("test_ece", "minimize"),
    ),
    smallest_gain=0.02,
    max_steps=6,
    pruner=ASHA(grace_steps=1, reduction_factor=3),
    data=load_messages,
    metrics=evaluate,
    reference_lines={
        "Boosted trees": boosted_trees,
        "Latest risk": latest_message,
    },
)

if __name__ == "__main__":
    main(STUDY)

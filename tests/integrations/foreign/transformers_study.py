"""The loop of Hugging Face's Trainer."""

import tempfile
import warnings

import torch
from loops_shared import load, study
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from transformers import Trainer, TrainingArguments

import search
from search.integrations.transformers import Report


class Net(torch.nn.Module):
    """The linear classifier."""

    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))

    def forward(self, x, labels):
        """Return what the Trainer looks for."""
        logits = x @ self.weights
        return {"loss": cross_entropy(logits, labels), "logits": logits}


def score(prediction):
    """Return the mean log-likelihood."""
    logits, labels = (torch.tensor(values) for values in prediction)
    return {"score": -float(cross_entropy(logits, labels))}


@search.reporting
def train(config, *, seed):
    """Train for longer than anybody asks for."""
    data = {
        split: [
            {"x": torch.tensor(row), "labels": torch.tensor(label)}
            for row, label in zip(x, y, strict=True)
        ]
        for split, (x, y) in load(seed).items()
    }
    warnings.simplefilter("ignore")  # its advice on devices
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            seed=seed,
            num_train_epochs=1000,
            per_device_train_batch_size=60,
            per_device_eval_batch_size=200,
            learning_rate=config.optim.lr,
            weight_decay=config.optim.decay,
            optim="sgd",
            lr_scheduler_type="constant",
            max_grad_norm=0.0,
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Trainer(
            Net(),
            arguments,
            train_dataset=data["train"],
            eval_dataset={"val": data["val"], "test": data["test"]},
            compute_metrics=score,
            callbacks=[Report()],
        )
        trainer.train()


STUDY = study("transformers", train)

"""Lightning's loop."""

import logging
import warnings

import torch
from lightning.pytorch import LightningModule, Trainer
from loops_shared import load, study
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

import search
from search.integrations.lightning import Report


class Net(LightningModule):
    """The linear classifier."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.weights = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))

    def training_step(self, batch, index):  # noqa: ARG002 - Lightning's
        """Return the loss of a batch."""
        x, y = batch
        return cross_entropy(x @ self.weights, y)

    def validation_step(self, batch, index, dataloader_idx):  # noqa: ARG002 - Lightning's
        """Log the score of a split."""
        x, y = batch
        split = ("val", "test")[dataloader_idx]
        value = -cross_entropy(x @ self.weights, y)
        self.log(f"{split}_score", value, add_dataloader_idx=False, batch_size=len(y))

    def configure_optimizers(self):
        """Return gradient descent."""
        optim = self.config.optim
        return torch.optim.SGD(self.parameters(), lr=optim.lr, weight_decay=optim.decay)


@search.reporting
def train(config, *, seed):
    """Fit for longer than anybody asks for."""
    data = {
        split: torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=len(y)
        )
        for split, (x, y) in load(seed).items()
    }
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # its advice on workers and loggers
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1000,
        callbacks=[Report()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Net(config), data["train"], [data["val"], data["test"]])


STUDY = study("lightning", train)

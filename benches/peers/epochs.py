"""The notebook's epoch with fastai v2's and Lightning's loop, and by hand: the one of `benches/epoch.rs`.

`simple_cnn` of the notebook trains with AdamW on 12,396 images of noise in batches of 64, and is then validated on 2,038. Each loop is used as its
users write it for data in memory, without bars, loggers and checkpoints.
"""

import time
import warnings

import fastai.callback.progress  # gives the learner `no_bar`
import lightning
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader as FastaiLoader
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.optimizer import Adam
from steps import network
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

TRAIN, VALID, BATCH, LR = 12_396, 2_038, 64, 3e-3


def images(n):
    return torch.rand(n, 3, 28, 28), torch.randint(2, (n,))


class ByHand:
    def __init__(self):
        self.train, self.valid, self.model = images(TRAIN), images(VALID), network("simple_cnn 28x28")
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=LR, betas=(0.9, 0.99), weight_decay=0.01)

    def epoch(self):
        (x, y), smooth = self.train, 0.0
        for indices in torch.randperm(TRAIN).split(BATCH):
            loss = functional.cross_entropy(self.model(x[indices]), y[indices])
            smooth = 0.98 * smooth + 0.02 * loss.item()
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        with torch.no_grad():
            total, right = 0.0, 0
            for x, y in zip(*(part.split(BATCH) for part in self.valid)):
                output = self.model(x)
                total += functional.cross_entropy(output, y, reduction="sum").item()
                right += (output.argmax(1) == y).sum().item()
        return total / VALID, right / VALID


class Fastai:
    def __init__(self):
        loader = lambda part, shuffle: FastaiLoader(TensorDataset(*part), bs=BATCH, shuffle=shuffle, num_workers=0)
        loaders = DataLoaders(loader(images(TRAIN), True), loader(images(VALID), False))
        model = network("simple_cnn 28x28")
        self.learn = Learner(loaders, model, loss_func=CrossEntropyLossFlat(), opt_func=Adam, metrics=accuracy)

    def epoch(self):
        with self.learn.no_bar(), self.learn.no_logging():
            self.learn.fit(1, LR)


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = network("simple_cnn 28x28")

    def training_step(self, batch, _):
        x, y = batch
        return functional.cross_entropy(self.model(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        output = self.model(x)
        self.log("valid_loss", functional.cross_entropy(output, y), on_epoch=True)
        self.log("accuracy", (output.argmax(1) == y).float().mean(), on_epoch=True)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=LR, betas=(0.9, 0.99), weight_decay=0.01)


class Lightning:
    def __init__(self):
        warnings.filterwarnings("ignore", module="lightning")
        self.module = Module()
        self.train = DataLoader(TensorDataset(*images(TRAIN)), BATCH, shuffle=True)
        self.valid = DataLoader(TensorDataset(*images(VALID)), BATCH)

    def epoch(self):
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", num_sanity_val_steps=0, **quiet)
        trainer.fit(self.module, self.train, self.valid)


SIDES = {"PyTorch by hand": ByHand, "fastai v2": Fastai, "Lightning": Lightning}
MADE = {}


def epoch_of(side):
    """Microseconds of an epoch of a side, which is made when it is first asked for."""
    if side not in MADE:
        MADE[side] = SIDES[side]()
    began = time.perf_counter()
    MADE[side].epoch()
    return (time.perf_counter() - began) * 1e6

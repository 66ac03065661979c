"""Runs the peers' mixing, one round at a time.

Reads one JSON object per line: {"threads": n}, {"peer": name, "shape": [n, c, h, w], "units": u} or {"net": name, …} for a training
step, {"epoch": name} for an epoch of a loop, or {"photos": folder, "workers": n} for an epoch of PyTorch's DataLoader, or {"card": device} for
the name of a GPU. Answers each with one line: the peers and their versions, or {"us": microseconds per batch}. Between two lines it waits and does nothing.

Each peer is called as its users call it, with Beta(0.4, 0.4) and including its draws, on a batch of f32 in memory with 10 classes.
"""

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import timm
import torch
import torchvision
import fastai
import lightning
from fastai.callback.mixup import MixUp as FastaiMixUp
from timm.data import Mixup as TimmMixup
from torchvision.transforms import v2

from epochs import epoch_of
from loading import Loading
from steps import round_of

ALPHA, CLASSES = 0.4, 10


def fastai_v1(x, y):
    """The formula of fastai v1's MixUpCallback.on_batch_begin, in plain PyTorch: a weight per item."""
    weight = np.random.beta(ALPHA, ALPHA, len(x))
    weight = x.new_tensor(np.maximum(weight, 1 - weight))
    partner = torch.randperm(len(x))
    other, other_y = x[partner], y[partner]
    spread = weight.view(-1, 1, 1, 1)
    mixed = x * spread + other * (1 - spread)
    return mixed, torch.stack([y.float(), other_y.float(), weight], 1)


def fastai_v2():
    """The callback's own hook, with the parts of a learner that it reads: a weight per item."""
    callback = FastaiMixUp(ALPHA)
    callback.stack_y = True

    def run(x, y):
        callback.learn = SimpleNamespace(x=x, y=y, xb=(x,), yb=(y,))
        callback.before_batch()
        return callback.learn.xb

    return run


def peers():
    """Each peer, and whether it draws a weight per item or per batch."""
    timm_item = TimmMixup(mixup_alpha=ALPHA, mode="elem", label_smoothing=0.0, num_classes=CLASSES)
    timm_batch = TimmMixup(mixup_alpha=ALPHA, mode="batch", label_smoothing=0.0, num_classes=CLASSES)
    vision = v2.MixUp(alpha=ALPHA, num_classes=CLASSES)
    return {
        "fastai v1's formula": (fastai_v1, "item"),
        "fastai v2 MixUp": (fastai_v2(), "item"),
        "timm Mixup, mode elem": (timm_item, "item"),
        "timm Mixup, mode batch": (timm_batch, "batch"),
        "torchvision v2.MixUp": (vision, "batch"),
    }


def main():
    # What a library prints must not get between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    all_peers, batches, loading = peers(), {}, None
    for line in sys.stdin:
        asked = json.loads(line)
        if "threads" in asked:
            torch.set_num_threads(asked["threads"])
            np.random.seed(0)
            torch.manual_seed(0)
            versions = {module.__name__: module.__version__ for module in (torch, torchvision, timm, fastai, lightning)}
            answer = {"peers": [[name, per] for name, (_, per) in all_peers.items()], "versions": versions}
        elif "card" in asked:
            answer = {"card": torch.cuda.get_device_name(asked["card"])}
        elif "photos" in asked:
            if loading is None:
                loading = Loading(asked["photos"], asked["workers"])
            answer = {"us": loading.round()}
        elif "epoch" in asked:
            answer = {"us": epoch_of(asked["epoch"])}
        elif "net" in asked:
            answer = {"us": round_of(asked)}
        else:
            shape = tuple(asked["shape"])
            if shape not in batches:
                batches = {shape: (torch.rand(shape), torch.randint(CLASSES, shape[:1]))}
            x, y = batches[shape]
            (run, _), units = all_peers[asked["peer"]], asked["units"]
            began = time.perf_counter()
            for _ in range(units):
                run(x, y)
            answer = {"us": (time.perf_counter() - began) * 1e6 / units}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""Makes lr_find.json: what fastai 2.8 suggests for some curves, trimmed as `Learner.lr_find` trims them.

python lr_find.py > lr_find.json
"""
import json
import math

import torch
from fastai.callback.schedule import SchedExp, steep, valley

STEPS = 100


def curve(loss, steps=STEPS):
    """A sweep from 1e-7 to 10 that ends when the loss is four times its minimum, as `LRFinder` does."""
    exponential, lrs, losses, best = SchedExp(1e-7, 10), [], [], math.inf
    for step in range(steps):
        lr = exponential(step / steps)
        lrs.append(lr)
        losses.append(loss(math.log10(lr)) + 0.01 * math.sin(7 * step))
        best = min(best, losses[-1])
        if losses[-1] > 4 * best:
            break
    trimmed = [torch.tensor(numbers, dtype=torch.float64)[steps // 10:-5] for numbers in (lrs, losses)]
    return {
        "lrs": lrs,
        "losses": losses,
        "valley": valley(*trimmed, steps)[0],
        "steepest": steep(*trimmed, steps)[0],
    }


print(json.dumps([
    curve(lambda x: 2.3 - 2.0 / (1 + math.exp(-2 * (x + 3))) + math.exp(3 * (x + 0.5))),
    curve(lambda x: 1.0 - 0.5 / (1 + math.exp(-4 * (x + 2))) + math.exp(4 * (x - 0.2))),
    curve(lambda x: 0.7 + 0.1 * math.cos(x) - 0.05 * x + math.exp(5 * (x - 0.5))),
    curve(lambda x: 3.0 + 0.2 * (x + 1) ** 2),
]))

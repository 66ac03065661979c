"""Makes schedules.json: the numbers of PyTorch's and fastai's own schedulers (torch 2.13, fastai 2.8).

python schedules.py > schedules.json
"""
import json
import warnings

import torch
from fastai.callback.schedule import combined_cos
from torch.optim import lr_scheduler as torch_schedulers

warnings.filterwarnings("ignore")
STEPS = 20


def of_torch(make, steps=STEPS):
    """The learning rate of each step, for a rate of 1."""
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(opt)
    rates = []
    for _ in range(steps):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    return rates


def of_fastai(function, steps=STEPS):
    """The value that `ParamScheduler` sets before each batch, where `pct_train` is the share of batches that are done."""
    return [float(function(step / steps)) for step in range(steps)]


def warm_up_then_cosine(opt):
    warm_up = torch_schedulers.LinearLR(opt, start_factor=0.1, end_factor=1.0, total_iters=5)
    cosine = torch_schedulers.CosineAnnealingLR(opt, T_max=STEPS - 5)
    return torch_schedulers.SequentialLR(opt, [warm_up, cosine], milestones=[5])


# A loss that improves, rests, improves by too little, and rises.
PLATEAU = [1.0, 0.8, 0.8, 0.81, 0.79, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.6, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65]


def of_plateau(numbers):
    """The rate after each number. PyTorch's patience of 1 is our patience of 2."""
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    settings = {"factor": 0.5, "patience": 1, "threshold": 0.05, "threshold_mode": "abs", "cooldown": 1, "min_lr": 0.1}
    scheduler = torch_schedulers.ReduceLROnPlateau(opt, **settings)
    rates = []
    for number in numbers:
        scheduler.step(number)
        rates.append(opt.param_groups[0]["lr"])
    return rates


print(json.dumps({
    "plateau_of": PLATEAU,
    "plateau": of_plateau(PLATEAU),
    "one_cycle_lr": of_fastai(combined_cos(0.25, 1 / 25, 1.0, 1e-5)),
    "one_cycle_momentum": of_fastai(combined_cos(0.25, 0.95, 0.85, 0.95)),
    "one_cycle_lr_23": of_fastai(combined_cos(0.25, 1 / 25, 1.0, 1e-5), 23),
    "linear": of_torch(lambda opt: torch_schedulers.LinearLR(opt, 0.25, 1.0, total_iters=8)),
    "cosine": of_torch(lambda opt: torch_schedulers.CosineAnnealingLR(opt, STEPS, eta_min=0.1)),
    "exponential": of_torch(lambda opt: torch_schedulers.ExponentialLR(opt, 0.8)),
    "step": of_torch(lambda opt: torch_schedulers.StepLR(opt, 6, gamma=0.3)),
    "restarts": of_torch(lambda opt: torch_schedulers.CosineAnnealingWarmRestarts(opt, T_0=3, T_mult=2), 21),
    "warm_up_then_cosine": of_torch(warm_up_then_cosine),
}, indent=1))

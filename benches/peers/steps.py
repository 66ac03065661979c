"""PyTorch's training step by hand, for the networks of `benches/support/nets.rs`.

Each network begins with the weights in a file that the other side has written, and trains on the batch in the same file.
"""

import time

import torch
import torchvision
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional


class Chain(nn.Module):
    """Layers with the names 0, 1, …, and what is done between them and at the end."""

    def __init__(self, layers, last):
        super().__init__()
        for name, layer in enumerate(layers):
            self.add_module(str(name), layer)
        self.last = last

    def forward(self, x):
        return self.last(list(self.children()), x)


def linears(layers, x):
    for layer in layers[:-1]:
        x = functional.relu(layer(x))
    return layers[-1](x)


def convs(layers, x):
    for layer in layers:
        x = functional.relu(layer(x))
    return torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)


def network(name):
    if name == "linear 1-2":
        return nn.Linear(1, 2)
    if name == "60 linear of 64":
        return Chain([nn.Linear(64, 64) for _ in range(60)], linears)
    if name == "3 linear of 2048":
        return Chain([nn.Linear(2048, 2048) for _ in range(3)], linears)
    if name == "resnet18 32x32":
        return torchvision.models.resnet18(num_classes=10)
    if name in ("resnet18", "resnet50"):
        return getattr(torchvision.models, name)(num_classes=1000)
    sizes = [3, 16, 16, 2]
    return Chain([nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(sizes, sizes[1:])], convs)


class Step:
    def __init__(self, asked):
        self.device = torch.device(asked["device"])
        first = load_file(asked["first"], device=str(self.device))
        self.x, self.y = first.pop("batch.x"), first.pop("batch.y")
        self.model = network(asked["net"]).to(self.device)
        missing, unexpected = self.model.load_state_dict(first, strict=False)
        if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
            raise ValueError(f"{asked['net']} has other weights: {missing}, {unexpected}")
        params, lr, fused = self.model.parameters(), asked["lr"], asked["fused"]
        if asked["opt"] == "step":
            self.opt = torch.optim.AdamW(params, lr=lr, betas=(0.9, 0.99), weight_decay=0.01, fused=fused)
        else:
            self.opt = torch.optim.SGD(params, lr=lr, momentum=0.9, fused=fused)

    def run(self, units):
        model, opt, x, y = self.model, self.opt, self.x, self.y
        began = time.perf_counter()
        for _ in range(units):
            loss = functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return (time.perf_counter() - began) * 1e6 / units


STEPS = {}


def round_of(asked):
    """Microseconds for each of so many steps. The networks of one comparison are kept until the next one begins."""
    case = (asked["net"], asked["opt"])
    if STEPS.get("case") != case:
        STEPS.clear()
        STEPS["case"] = case
    if asked["fused"] not in STEPS:
        STEPS[asked["fused"]] = Step(asked)
    return STEPS[asked["fused"]].run(asked["units"])

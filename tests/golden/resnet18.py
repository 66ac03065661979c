"""Writes the features of torchvision's ResNet-18 with weights that follow a formula, so that no file of weights is needed.

    python resnet18.py        # torch 2.13.0, torchvision 0.28.0, timm 1.0.31
"""

import json

import timm
import torch
import torchvision


def wave(count, shift):
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.37 + shift)


def weights(model):
    """Each tensor is a wave that its place in the sorted list shifts, scaled so that the features neither vanish nor explode."""
    state = model.state_dict()
    for place, name in enumerate(sorted(name for name in state if not name.endswith("num_batches_tracked"))):
        shape = state[name].shape
        values = wave(shape.numel(), place).reshape(shape)
        if len(shape) > 1:
            values = values * (2 / shape[1:].numel()) ** 0.5
        elif name.endswith(("weight", "running_var")):
            values = 1 + 0.1 * values
        else:
            values = 0.1 * values
        state[name] = values.float()
    return state


model = torchvision.models.resnet18()
state = weights(model)
assert set(state) == set(timm.create_model("resnet18").state_dict()), "timm has the same names"
model.load_state_dict(state)
model.fc = torch.nn.Identity()
images = wave(2 * 3 * 64 * 64, 0).float().reshape(2, 3, 64, 64)
with torch.no_grad():
    features = model.eval()(images)
print(features.abs().mean(), features.abs().max())
names = {name: list(tensor.shape) for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
with open("resnet18.json", "w") as file:
    json.dump({"weights": names, "features": features.flatten().tolist()}, file)
    file.write("\n")

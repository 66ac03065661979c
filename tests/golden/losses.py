"""Makes losses.json: the losses and gradients of PyTorch 2.13, torchvision's focal loss, and fastai 2.8.

python losses.py > losses.json
"""
import json

import torch
from fastai.losses import DiceLoss, FocalLoss
from torch.nn import HuberLoss, L1Loss, SmoothL1Loss
from torchvision.ops import sigmoid_focal_loss

torch.manual_seed(3)


def case(loss, output, target):
    """`loss(output, target, reduction)` for each reduction, and the gradient of the mean."""
    output = output.clone().requires_grad_()
    numbers = {reduction: loss(output, target, reduction) for reduction in ["none", "mean", "sum"]}
    (gradient,) = torch.autograd.grad(numbers["mean"], output)
    flat = {name: torch.as_tensor(number).detach().flatten().tolist() for name, number in numbers.items()}
    return {
        "shape": list(output.shape),
        "output": output.detach().flatten().tolist(),
        "target_shape": list(target.shape),
        "target": target.double().flatten().tolist(),
        "gradient": gradient.flatten().tolist(),
        **flat,
    }


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64) * 2


labels = torch.randint(0, 2, (6, 4)).double()
soft = torch.rand(6, 4).double()
classes = torch.randint(0, 5, (8,))
pixels = torch.randint(0, 3, (4, 5, 6))

print(json.dumps({
    "l1": case(lambda o, t, r: L1Loss(reduction=r)(o, t), double(6, 4), double(6, 4)),
    "huber": case(lambda o, t, r: HuberLoss(reduction=r, delta=0.7)(o, t), double(6, 4), double(6, 4)),
    "smooth_l1": case(lambda o, t, r: SmoothL1Loss(reduction=r)(o, t), double(6, 4), double(6, 4)),
    "focal": case(lambda o, t, r: FocalLoss(gamma=1.5, reduction=r)(o, t), double(8, 5), classes),
    "focal_of_pixels": case(lambda o, t, r: FocalLoss(reduction=r)(o, t), double(4, 3, 5, 6), pixels),
    "focal_with_logits": case(lambda o, t, r: sigmoid_focal_loss(o, t, reduction=r), double(6, 4), labels),
    "focal_without_alpha": case(lambda o, t, r: sigmoid_focal_loss(o, t, -1, 1.5, r), double(6, 4), soft),
    "dice": case(lambda o, t, r: DiceLoss(reduction=r)(o, t), double(4, 3, 5, 6), pixels),
}))

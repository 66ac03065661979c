"""PyTorch's `DataLoader` with torchvision on a folder of photos, as its users write it."""

import time

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder


class Loading:
    """An epoch at a time, with the same worker processes in all of them."""

    def __init__(self, folder, workers):
        chain = transforms.Compose([
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])
        self.data = ImageFolder(folder, chain)
        self.loader = DataLoader(self.data, 64, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

    def round(self):
        """Microseconds for each photo."""
        begun = time.perf_counter()
        photos = 0
        for images, _ in self.loader:
            assert images.shape[1:] == (3, 224, 224) and images.dtype == torch.float32
            photos += len(images)
        assert photos == len(self.data)
        return (time.perf_counter() - begun) * 1e6 / photos

"""The contestants: each trains the same network on the same folder and tells the images per second of its epochs.

Each does it the way its own documentation shows, with batches of the same size, SGD, and the same kind of
augmentation; only training is timed, not validation. All are given the same ``nn.Module``, made by discern.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

WORKERS = 2
MOMENTUM, LR = 0.9, 0.01


@dataclass(frozen=True)
class Case:
    """One thing to train.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    model : str
        The network's name in discern, built with its original stem.
    size, channels, classes, batch : int
        Pixels a side, colours, labels, images a step.
    augment : bool
        Whether images are flipped and cropped at random.
    epochs : int
        How many to run; the first is not counted.
    goal : float
        discern's images per second over the best peer's.
    """

    name: str
    model: str
    size: int
    channels: int
    classes: int
    batch: int
    augment: bool
    epochs: int
    goal: float

    @property
    def settings(self) -> dict[str, bool | int | float | str]:
        """The network's own settings."""
        return {"stem": "imagenet"} if self.model.startswith("resnet") else {}

    def network(self) -> nn.Module:
        """The network with random weights."""
        from discern.models.registry import build_model

        return build_model(self.model, self.classes, self.channels, self.size, self.settings)


def tutorial(case: Case, folder: Path) -> list[float]:
    """The loop of PyTorch's tutorials: ImageFolder, DataLoader, float32."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    steps: list[Callable[..., object]] = [transforms.Grayscale()] if case.channels == 1 else []
    if case.augment and case.size > 64:
        steps += [transforms.RandomResizedCrop(case.size), transforms.RandomHorizontalFlip()]
    elif case.augment:
        steps += [transforms.Resize(case.size), transforms.RandomCrop(case.size, padding=4)]
        steps += [transforms.RandomHorizontalFlip()]
    else:
        steps += [transforms.Resize((case.size, case.size))]
    steps += [transforms.ToTensor(), transforms.Normalize([0.5] * case.channels, [0.25] * case.channels)]
    data = ImageFolder(str(folder), transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(data, batch_size=case.batch, shuffle=True, num_workers=WORKERS)
    model = case.network().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return _epochs(case, loader, step)


def timm(case: Case, folder: Path) -> list[float]:
    """The loader of timm with its train.py's settings for a CPU, bfloat16 autocast and channels_last."""
    from timm.data import create_dataset, create_loader

    mode = "L" if case.channels == 1 else "RGB"
    data = create_dataset("", root=str(folder), split="train", is_training=True, input_img_mode=mode)
    loader = create_loader(
        data,
        input_size=(case.channels, case.size, case.size),
        batch_size=case.batch,
        is_training=True,
        use_prefetcher=False,
        no_aug=not case.augment,
        color_jitter=None,
        mean=(0.5,) * case.channels,
        std=(0.25,) * case.channels,
        num_workers=WORKERS,
        pin_memory=False,
    )
    model = case.network().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, nesterov=True)

    def step(x: Tensor, y: Tensor) -> None:
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return _epochs(case, loader, step)


def fastai(case: Case, folder: Path) -> list[float]:
    """fastai's ImageDataLoaders and Learner, with its augmentation on whole batches."""
    from fastai.vision.all import (
        SGD,
        Callback,
        CrossEntropyLossFlat,
        ImageDataLoaders,
        Learner,
        PILImage,
        PILImageBW,
        Resize,
        aug_transforms,
    )

    class Clock(Callback):
        def before_train(self) -> None:
            self.images, self.began = 0, time.perf_counter()

        def after_batch(self) -> None:
            if self.training:
                self.images += len(self.x)

        def after_train(self) -> None:
            rates.append(self.images / (time.perf_counter() - self.began))

    rates: list[float] = []
    flip_and_crop = aug_transforms(size=case.size, min_scale=0.75, max_rotate=0, max_zoom=1, max_lighting=0, max_warp=0)
    loaders = ImageDataLoaders.from_folder(
        folder,
        valid_pct=0.02,
        seed=0,
        bs=case.batch,
        num_workers=WORKERS,
        img_cls=PILImageBW if case.channels == 1 else PILImage,
        item_tfms=Resize(case.size) if case.size > 64 else None,
        batch_tfms=flip_and_crop if case.augment else None,
        device=torch.device("cpu"),
    )
    learner = Learner(loaders, case.network(), loss_func=CrossEntropyLossFlat(), opt_func=SGD, cbs=Clock())
    with learner.no_bar(), learner.no_logging():
        learner.fit(case.epochs, LR)
    return rates


def discern(case: Case, folder: Path) -> list[float]:
    """`discern.train` on the same folder; what it writes down for every epoch."""
    from discern.api.train import train
    from discern.progress import NullReporter

    settings = {
        **case.settings,
        **{"size": case.size, "channels": case.channels, "batch_size": case.batch, "optimizer": "sgd", "lr": LR},
        **{"augment": case.augment, "flip": case.augment, "translate": 0.125 if case.augment else 0.0},
        **{"rotation": 0.0, "test": 0.02, "validation": 0.02},
    }
    with tempfile.TemporaryDirectory() as out:
        run = train(folder, case.model, epochs=case.epochs, out=Path(out) / "run", reporter=NullReporter(), **settings)
        return [event["images_per_second"] for event in run.directory.read_events("epoch")]


CONTESTANTS: dict[str, Callable[[Case, Path], list[float]]] = {
    "tutorial": tutorial,
    "timm": timm,
    "fastai": fastai,
    "discern": discern,
}


def _epochs(case: Case, loader: Iterable[tuple[Tensor, Tensor]], step: Callable[[Tensor, Tensor], None]) -> list[float]:
    rates = []
    for _ in range(case.epochs):
        images, began = 0, time.perf_counter()
        for x, y in loader:
            step(x, y)
            images += len(y)
        rates.append(images / (time.perf_counter() - began))
    return rates

"""What a classifier computes with: decoded images or rows of a table in, calibrated probabilities or numbers out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from discern.arrays import ArrayLike
from discern.classical.fitting import ClassicalModel
from discern.classifier.bundle import ModelCard
from discern.data.batches import PixelReader, eval_batch_size
from discern.evaluation.task import TASKS, Task
from discern.i18n import _
from discern.models.fuse import fuse_conv_bn
from discern.models.network import Model
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import Progress, ignore_progress


class Engine(Protocol):
    """What computes: a network or a classical model."""

    def predict(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        """Predict what the task asks for: uint8 (N, H, W, C) or float (N, F) -> (N or len(indices), ...)."""

    def encode(self, inputs: ArrayLike, progress: Progress = ignore_progress) -> np.ndarray:
        """Compute the features that the last step decides by: (N, ...) -> float32 (N, F)."""


class InferenceModule(nn.Module):
    """A network and everything around it: uint8 (N, H, W, C) -> calibrated probabilities float32 (N, classes).

    Normalisation, the network with its batch normalisation fused, test-time augmentation, softmax and temperature. It
    is complete once it is made and changes nothing when it computes, so threads may share it. ``network``, in
    evaluation mode, is left as it is; ``tta`` names the views over which logits are averaged, see `tta_views`.
    """

    def __init__(
        self,
        network: Model,
        spec: Preprocess,
        task: Task[Any, Any],
        tta: tuple[str, ...] = (),
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.spec, self.task, self.tta, self.temperature = spec, task, tta, temperature
        device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
        noise = torch.randint(0, 256, (2, *spec.shape), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        fused = fuse_conv_bn(network, normalize(to_float(noise.to(device)), spec))
        # Explanations hook the layers of the network: what runs here has layers of its own, with the same weights.
        fused = _copy_modules(network) if fused is network else fused
        self.fused = fused.to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tensor:
        x = normalize(to_float(pixels), self.spec)  # (N, H, W, C) -> (N, C, H, W)
        logits = sum(weight * self.fused(view).float() for view, weight in tta_views(x, self.tta))
        return self.task.activate(torch.as_tensor(logits), self.temperature)


def _copy_modules(network: Model) -> Model:
    """Copy the modules of ``network`` without copying its tensors."""
    tensors: dict[int, Any] = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    try:
        return copy.deepcopy(network, tensors)
    except (TypeError, RuntimeError):  # user code may hold what cannot be copied, a lock or a tensor with a gradient
        return network


def tta_views(x: Tensor, tta: tuple[str, ...]) -> list[tuple[Tensor, float]]:
    """Return views of images (N, C, H, W) and their weights: as they are, shifted by a pixel, and all that flipped.

    What is shifted counts half as much (Jordan 2024, arXiv:2404.00498, section 3.5).

    Examples
    --------
    >>> [weight for _, weight in tta_views(torch.zeros(1, 1, 4, 4), ("shift", "flip"))]
    [0.25, 0.125, 0.125, 0.25, 0.125, 0.125]
    """
    views = [(x, 1.0)]
    if "shift" in tta:
        height, width = x.shape[2:]
        wide = pad(x, (1, 1, 1, 1), mode="reflect")
        views = [(x, 0.5), (wide[:, :, :height, :width], 0.25), (wide[:, :, 2:, 2:], 0.25)]
    if "flip" in tta:
        views = [(view.flip(3) if flip else view, weight / 2) for flip in (False, True) for view, weight in views]
    return [(view.contiguous(memory_format=torch.channels_last), weight) for view, weight in views]


def count_views(tta: tuple[str, ...]) -> int:
    """Return how many views of an image are averaged.

    Examples
    --------
    >>> count_views(("flip", "shift")), count_views(())
    (6, 1)
    """
    return len(tta_views(torch.zeros(1, 1, 2, 2), tta))


class NetworkEngine:
    """A network that predicts in batches on its device, to which it is moved; explanations look inside it."""

    def __init__(self, network: Model, card: ModelCard, device: torch.device) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.spec, self.device = card.spec, device
        self.module = InferenceModule(self.network, card.spec, TASKS[card.task], card.tta, card.temperature).eval()

    def predict(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        chosen = np.arange(len(inputs)) if indices is None else np.asarray(list(indices), dtype=np.int64)
        return self._run(self.module, inputs, chosen, progress, _("predicting"))

    def encode(self, inputs: ArrayLike, progress: Progress = ignore_progress) -> np.ndarray:
        """Compute what the head reads, a map averaged over its places: uint8 (N, H, W, C) -> float32 (N, F)."""
        return self._run(self._read_features, inputs, np.arange(len(inputs)), progress, _("features"))

    def _read_features(self, pixels: Tensor) -> Tensor:
        features = self.network.forward_features(normalize(to_float(pixels), self.spec))
        return (features.mean(dim=(2, 3)) if features.dim() == 4 else features.flatten(1)).float()

    def _run(
        self, compute: Callable[[Tensor], Tensor], inputs: ArrayLike, indices: np.ndarray, progress: Progress, what: str
    ) -> np.ndarray:
        done: list[Tensor] = []
        batches = torch.from_numpy(indices).split(eval_batch_size(self.spec.size, self.device))
        with torch.inference_mode():
            for pixels in PixelReader(inputs).iter_batches(batches):
                done.append(compute(pixels.to(self.device)).cpu())
                progress(what, sum(map(len, done)), len(indices))
        return torch.cat(done).numpy()


class ClassicalEngine:
    """A classical model that predicts: its logits become probabilities, a regression's numbers stay as they are."""

    def __init__(self, model: ClassicalModel, card: ModelCard) -> None:
        self.model, self.task, self.temperature = model, TASKS[card.task], card.temperature

    def predict(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        if not self.task.has_classes:
            return self.model.values(inputs, indices, progress)
        logits = torch.from_numpy(self.model.logits(inputs, indices, progress))
        return self.task.activate(logits, self.temperature).numpy()

    def encode(self, inputs: ArrayLike, progress: Progress = ignore_progress) -> np.ndarray:
        return self.model.encode(inputs, progress)

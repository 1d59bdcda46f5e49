"""A network made elsewhere behind the face of `discern.models.network.Model`.

Nothing is known of it but what one forward pass shows: which layer makes the logits, what follows that layer, and
whether the output is logits or probabilities already.
"""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.network import Model

OnOutput = Callable[[str, Any], None]  # (name of a layer, its output)
INNER = "net."  # where a module of torch lies; its tensors are saved under the names its library gives them


def _keep(scores: Tensor) -> Tensor:
    return scores


def _average(scores: Tensor) -> Tensor:
    """Average a map (N, classes, H, W) or tokens (N, T, classes) to (N, classes)."""
    if scores.dim() == 4:
        return scores.mean(dim=(2, 3))
    return scores.mean(dim=1) if scores.dim() == 3 else scores


def _rectify_and_average(scores: Tensor) -> Tensor:
    """Do to (N, classes, H, W) what `discern.models.network.Network.forward_head` does."""
    return _average(scores.relu())


HEAD_POSTPROCESSES = (_keep, _average, _rectify_and_average)  # what may come after the head


@dataclass(frozen=True)
class FeatureTap:
    """Where a map comes out: the layer, which of its calls in one pass (from 1), whether it gives (N, H, W, C)."""

    layer: str
    call_index: int
    channels_last: bool


class WrappedModel(Model):
    """A network of another library: what is common to modules of torch and models of Keras.

    A subclass holds the network, gives `call_network` and `hook_layers`, sets ``head_name`` and calls `infer_output`
    last.
    """

    head_name = ""
    channels_last = False  # whether the library's own layout of a map is (N, H, W, C)

    def __init__(self, name: str, classes: int) -> None:
        super().__init__()
        self.name = name  # what a person typed
        self.classes = classes
        self.output = "logits"  # or "probabilities", or "log-probabilities"
        self.head_postprocess: Callable[[Tensor], Tensor] | None = None

    @property
    def heads(self) -> tuple[str, ...]:
        """What the names of their tensors in the state dict begin with."""
        return tuple(name.removeprefix(INNER) for name in (self.head_name, *self.auxiliary.values()) if name)

    @abstractmethod
    def call_network(self, x: Tensor) -> Any:
        """Return the network's own output for images ``x`` (N, C, H, W)."""

    @abstractmethod
    def hook_layers(self, on_output: OnOutput) -> AbstractContextManager[None]:
        """Call ``on_output`` with the name and the output of each layer that runs inside the block."""

    def as_map(self, output: Tensor, x: Tensor) -> Tensor | None:
        """Return a layer's output (four dimensions) as a map (N, C, H, W) of images ``x``, or None if it is no map.

        Whether it is (N, C, H, W) or (N, H, W, C) shows by the proportions of the image; where both have them, the
        library's own layout is taken.
        """
        candidates = [output, output.permute(0, 3, 1, 2)]
        for map in reversed(candidates) if self.channels_last else candidates:
            if map.shape[2] * x.shape[3] == map.shape[3] * x.shape[2]:
                return map
        return None

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, C, H, W)."""
        return self._to_logits(list_tensors(self.call_network(x))[0])

    def forward_train(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the logits, then those of each auxiliary head, which libraries give while training."""
        return tuple(self._to_logits(scores) for scores in list_tensors(self.call_network(x)))

    def forward_features(self, x: Tensor) -> Tensor:
        """Return what the head reads; a ModelError says that no layer of the network makes the logits alone."""
        self._require_head_postprocess()
        return self.read_head_input(x)

    def forward_head(self, features: Tensor) -> Tensor:
        scores = self._require_head_postprocess()(self.apply_head(features))
        return scores if self.output == "logits" else scores.log_softmax(dim=1)

    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """Return the last map of each size, named by the pixels a side of a cell: ``stride4``, ``stride8``..."""
        return {name: map for name, (_tap, map) in self.tap_stages(x).items()}

    def tap_stages(self, x: Tensor) -> dict[str, tuple[FeatureTap, Tensor]]:
        """Return the maps that `stages` gives of square images ``x``, each with where it came out."""
        maps: dict[int, tuple[FeatureTap, Tensor]] = {}
        calls: Counter[str] = Counter()  # a layer may run several times in one pass: each call is a tap of its own
        head_reached: list[bool] = []

        def record(layer: str, output: Any) -> None:
            calls[layer] += 1
            if head_reached or not isinstance(output, Tensor) or output.dim() != 4 or len(output) != len(x):
                return
            map = self.as_map(output, x)
            if map is not None and 1 < map.shape[-1] <= x.shape[-1]:
                tap = FeatureTap(layer, calls[layer], map is not output)
                maps[compute_stride(x.shape[-1], map.shape[-1])] = tap, map  # a later map of the size replaces it

        with ExitStack() as hooks:
            if self.head_name:
                stop = self.head.register_forward_pre_hook(lambda *_arguments: head_reached.append(True))
                hooks.enter_context(stop)
            hooks.enter_context(self.hook_layers(record))
            self.call_network(x)
        return {f"stride{step}": maps[step] for step in sorted(maps)}

    def run_taps(self, taps: Mapping[str, FeatureTap], x: Tensor) -> dict[str, Tensor]:
        """Return what comes out at ``taps`` for images ``x`` (N, C, H, W) of any size and proportions."""
        wanted = {(tap.layer, tap.call_index): (name, tap) for name, tap in taps.items()}
        calls: Counter[str] = Counter()
        maps: dict[str, Tensor] = {}

        def record(layer: str, output: Any) -> None:
            calls[layer] += 1
            if (layer, calls[layer]) in wanted:
                name, tap = wanted[layer, calls[layer]]
                maps[name] = output.permute(0, 3, 1, 2) if tap.channels_last else output

        try:
            with self.hook_layers(record):
                self.call_network(x)
        except Exception:  # fully connected layers after the last map may take their own size only
            if len(maps) < len(taps):
                raise
        return {name: maps[name] for name in taps}

    def read_head_input(self, x: Tensor) -> Tensor:
        """Return what comes into the head when the network runs."""
        features: list[Tensor] = []
        with self.head.register_forward_pre_hook(lambda _head, inputs: features.append(inputs[0])):
            self.call_network(x)
        return features[-1]

    def apply_head(self, features: Tensor) -> Tensor:
        """Run the head on what `read_head_input` gives; of four dimensions, classes are the second."""
        scores: Tensor = self.head(features)
        return scores

    @torch.no_grad()
    def infer_output(self, channels: int, size: int) -> None:
        """Infer from one pass of two images of noise what the output is and what is done to the head's scores.

        Raises
        ------
        ModelError
            When the output is not one number for each class.
        """
        like = next((tensor for tensor in self.parameters() if tensor.is_floating_point()), torch.empty(0))
        noise = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0), device="cpu")
        was_training = self.training
        try:
            outputs = list_tensors(self.eval().call_network(noise.to(like.device)))[:1]
            if not outputs or outputs[0].shape != (2, self.classes):
                raise ModelError(self._describe_mismatch(outputs))
            if outputs[0].is_meta:
                return
            self.output = classify_output(outputs[0])
            if self.head_name:
                self.head_postprocess = self._find_head_postprocess(noise.to(like.device))
        finally:
            self.train(was_training)

    def _find_head_postprocess(self, x: Tensor) -> Callable[[Tensor], Tensor] | None:
        """Try each of `HEAD_POSTPROCESSES` and return the one that gives the network's logits.

        The head's output is replaced by noise meanwhile: it has both signs whatever the weights are, so that a
        rectifier shows.
        """

        def noise(_head: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return torch.randn(output.shape, generator=torch.Generator().manual_seed(0), device="cpu").to(output)

        with self.head.register_forward_hook(noise):
            logits = self._to_logits(list_tensors(self.call_network(x))[0])
            scores = self.apply_head(self.read_head_input(x))
        for head_postprocess in HEAD_POSTPROCESSES:
            candidate = head_postprocess(scores)
            if self.output != "logits":
                candidate = candidate.log_softmax(dim=1)
            if candidate.shape == logits.shape and torch.allclose(candidate, logits, rtol=1e-4, atol=1e-5):
                return head_postprocess
        return None

    def _require_head_postprocess(self) -> Callable[[Tensor], Tensor]:
        if self.head_postprocess is None:
            message = _("{name} has no last layer that can be trained alone: train all of it with --finetune all.")
            raise ModelError(message.format(name=self.name))
        return self.head_postprocess

    def _to_logits(self, scores: Tensor) -> Tensor:
        """Turn probabilities into their logarithms, which are logits: their softmax is the probabilities again."""
        if self.output != "probabilities":
            return scores
        return scores.clamp_min(torch.finfo(scores.dtype).tiny).log()

    def _describe_mismatch(self, outputs: list[Tensor]) -> str:
        if not outputs:
            message = _("{name} returns no tensor: it must return one number for each class of an image.")
            return message.format(name=self.name)
        shape = "x".join(map(str, outputs[0].shape[1:]))
        return _(
            "{name} returns {shape} numbers for an image, expected {classes} (one for each class): "
            "take their count as a parameter, as in def model(classes)."
        ).format(name=self.name, shape=shape, classes=self.classes)


def compute_stride(image: int, map: int) -> int:
    """Return the pixels a side of a map's cell; where borders were lost on the way, the power of 2 nearest.

    Examples
    --------
    >>> compute_stride(224, 16), compute_stride(224, 55), compute_stride(64, 7)
    (14, 4, 8)
    """
    return image // map if image % map == 0 else 2 ** round(math.log2(image / map))


def list_tensors(output: Any) -> list[Tensor]:
    """List the logits and the rest of what a network gives: a tensor, a tuple, a list or a dictionary."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = [output.get("logits"), *(value for key, value in output.items() if key != "logits")]
    if isinstance(output, tuple | list):
        return [tensor for tensor in output if isinstance(tensor, Tensor)]
    return []


@contextmanager
def seed_python_random() -> Iterator[None]:
    """Seed Python's ``random``, from which Keras draws its seeds, from torch's generator inside the block."""
    state = random.getstate()
    random.seed(int(torch.randint(2**31, (), device="cpu")))
    try:
        yield
    finally:
        random.setstate(state)


def classify_output(scores: Tensor) -> str:
    """Return whether ``scores`` (N, classes) are ``logits``, ``probabilities`` or ``log-probabilities``."""
    scores = scores.float()
    one = torch.ones(len(scores), device=scores.device)
    if (scores >= 0).all() and torch.allclose(scores.sum(dim=1), one, atol=1e-3):
        return "probabilities"
    if (scores <= 0).all() and torch.allclose(scores.exp().sum(dim=1), one, atol=1e-3):
        return "log-probabilities"
    return "logits"

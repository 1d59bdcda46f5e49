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
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.network import Model

See = Callable[[str, Any], None]
NO_STAGES = (nn.Softmax, nn.Dropout, nn.AdaptiveAvgPool2d)  # attention is no map; a pooled map fits no stride
INNER = "net."  # where a module of torch lies; its tensors are saved under the names its library gives them


def _as_they_are(scores: Tensor) -> Tensor:
    return scores


def _averaged(scores: Tensor) -> Tensor:
    """(N, classes, H, W) -> (N, classes); tokens: (N, T, classes) -> (N, classes)."""
    if scores.dim() == 4:
        return scores.mean(dim=(2, 3))
    return scores.mean(dim=1) if scores.dim() == 3 else scores


def _rectified(scores: Tensor) -> Tensor:
    """(N, classes, H, W) -> (N, classes), as `discern.models.network.Network.answer`."""
    return _averaged(scores.relu())


FOLLOWERS = (_as_they_are, _averaged, _rectified)  # what may come after the head


@dataclass(frozen=True)
class Tap:
    """Where a map comes out: the layer, which of its outputs in one pass, and whether they are (N, H, W, C)."""

    layer: str
    turn: int
    channels_last: bool


class Foreign(Model):
    """A network of another library: what is common to modules of torch and models of Keras.

    A subclass holds the network, gives `run` and `watched`, sets ``head_name`` and calls `settle` last.

    Parameters
    ----------
    name : str
        What a person typed.
    classes : int
        Logits.
    """

    head_name = ""

    def __init__(self, name: str, classes: int) -> None:
        super().__init__()
        self.name = name
        self.classes = classes
        self.output = "logits"  # or "probabilities", or "log-probabilities"
        self.follower: Callable[[Tensor], Tensor] | None = None

    @property
    def heads(self) -> tuple[str, ...]:
        """As they begin the names of tensors in the state dict."""
        return tuple(name.removeprefix(INNER) for name in (self.head_name, *self.auxiliary.values()) if name)

    @abstractmethod
    def run(self, x: Tensor) -> Any:
        """The network's own output for pictures ``x`` (N, C, H, W)."""

    @abstractmethod
    def watched(self, see: See) -> AbstractContextManager[None]:
        """Inside the block, ``see`` is told the name and the output of each layer."""

    @abstractmethod
    def as_map(self, output: Tensor, x: Tensor) -> Tensor | None:
        """What a layer gave (four dimensions) as a map (N, C, H, W) of pictures ``x``, or None if it is no map."""

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) -> logits (N, classes)."""
        return self._logits(tensors(self.run(x))[0])

    def answers(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits, then those of each auxiliary head, which libraries give while training."""
        return tuple(self._logits(scores) for scores in tensors(self.run(x)))

    def encode(self, x: Tensor) -> Tensor:
        """What the head reads of pictures ``x`` (N, C, H, W): (N, F), or (N, F, H, W) before a convolutional head.

        Raises
        ------
        ModelError
            When no layer of the network makes the logits out of what it reads.
        """
        self._known_follower()
        return self.read(x)

    def answer(self, features: Tensor) -> Tensor:
        """What the head reads -> logits (N, classes)."""
        scores = self._known_follower()(self.apply_head(features))
        return scores if self.output == "logits" else scores.log_softmax(dim=1)

    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """The last map of each size, called by how many pixels a side a cell stands for: ``stride4``, ``stride8``..."""
        return {name: map for name, (_tap, map) in self.tapped(x).items()}

    def tapped(self, x: Tensor) -> dict[str, tuple[Tap, Tensor]]:
        """The maps that `stages` gives of square pictures ``x``, each with where it came out."""
        maps: dict[int, tuple[Tap, Tensor]] = {}
        turns: Counter[str] = Counter()
        at_head: list[bool] = []

        def see(layer: str, output: Any) -> None:
            turns[layer] += 1
            if at_head or not isinstance(output, Tensor) or output.dim() != 4 or len(output) != len(x):
                return
            found = self.as_map(output, x)
            if found is not None and 1 < found.shape[-1] <= x.shape[-1]:
                tap = Tap(layer, turns[layer], found is not output)
                maps[stride(x.shape[-1], found.shape[-1])] = tap, found

        handle = self.head.register_forward_pre_hook(lambda *_given: at_head.append(True)) if self.head_name else None
        try:
            with self.watched(see):
                self.run(x)
        finally:
            if handle is not None:
                handle.remove()
        return {f"stride{step}": maps[step] for step in sorted(maps)}

    def maps_at(self, taps: Mapping[str, Tap], x: Tensor) -> dict[str, Tensor]:
        """What comes out at ``taps`` for pictures ``x`` (N, C, H, W) of any size and proportions."""
        wanted = {(tap.layer, tap.turn): (name, tap) for name, tap in taps.items()}
        turns: Counter[str] = Counter()
        maps: dict[str, Tensor] = {}

        def see(layer: str, output: Any) -> None:
            turns[layer] += 1
            if (layer, turns[layer]) in wanted:
                name, tap = wanted[layer, turns[layer]]
                maps[name] = output.permute(0, 3, 1, 2) if tap.channels_last else output

        try:
            with self.watched(see):
                self.run(x)
        except Exception:  # fully connected layers after the last map may take their own size only
            if len(maps) < len(taps):
                raise
        return {name: maps[name] for name in taps}

    def read(self, x: Tensor) -> Tensor:
        """What comes into the head when the network runs."""
        seen: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda _head, inputs: seen.append(inputs[0]))
        try:
            self.run(x)
        finally:
            handle.remove()
        return seen[-1]

    def apply_head(self, features: Tensor) -> Tensor:
        """What `read` gives -> the head's output, classes in dimension 1 of four."""
        scores: Tensor = self.head(features)
        return scores

    @torch.no_grad()
    def settle(self, channels: int, size: int) -> None:
        """Learn from one pass of two small noisy pictures what the output is and what follows the head.

        Raises
        ------
        ModelError
            When the output is not one number for each class.
        """
        like = next((tensor for tensor in self.parameters() if tensor.is_floating_point()), torch.empty(0))
        noise = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0), device="cpu")
        was_training = self.training
        try:
            found = tensors(self.eval().run(noise.to(like.device)))[:1]
            if not found or found[0].shape != (2, self.classes):
                raise ModelError(self._misfit(found))
            if found[0].is_meta:
                return
            self.output = kind(found[0])
            if self.head_name:
                self.follower = self._matching(noise.to(like.device))
        finally:
            self.train(was_training)

    def _matching(self, x: Tensor) -> Callable[[Tensor], Tensor] | None:
        """What follows the head, seen by letting it give noise: of both signs, whatever its weights are."""

        def noise(_head: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return torch.randn(output.shape, generator=torch.Generator().manual_seed(0), device="cpu").to(output)

        handle = self.head.register_forward_hook(noise)
        try:
            logits = self._logits(tensors(self.run(x))[0])
            scores = self.apply_head(self.read(x))
        finally:
            handle.remove()
        for follower in FOLLOWERS:
            answer = follower(scores)
            if self.output != "logits":
                answer = answer.log_softmax(dim=1)
            if answer.shape == logits.shape and torch.allclose(answer, logits, rtol=1e-4, atol=1e-5):
                return follower
        return None

    def _known_follower(self) -> Callable[[Tensor], Tensor]:
        if self.follower is None:
            raise ModelError(
                _("{name} has no last layer that can be trained alone: train all of it, with --tune all.").format(
                    name=self.name
                )
            )
        return self.follower

    def _logits(self, scores: Tensor) -> Tensor:
        """Logarithms of probabilities are logits: their softmax is the probabilities again."""
        if self.output != "probabilities":
            return scores
        return scores.clamp_min(torch.finfo(scores.dtype).tiny).log()

    def _misfit(self, found: list[Tensor]) -> str:
        if not found:
            return _("{name} gives no tensor: it must give one number for each class of a picture.").format(
                name=self.name
            )
        shape = "x".join(map(str, found[0].shape[1:]))
        return _(
            "{name} gives {shape} numbers for a picture, but there are {classes} classes: "
            "take their count as a parameter, as in def model(classes)."
        ).format(name=self.name, shape=shape, classes=self.classes)


class TorchNetwork(Foreign):
    """A torch.nn.Module made elsewhere; it lies in ``net``, and its state dict is its own, without that name.

    Parameters
    ----------
    name : str
        What a person typed.
    net : torch.nn.Module
        Takes pictures (N, channels, size, size).
    classes, channels, size : int
        Logits, colour channels, pixels a side.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    >>> network = TorchNetwork("mine", net, classes=5, channels=3, size=32).eval()
    >>> x = torch.rand(2, 3, 32, 32)
    >>> network.head_name, network.encode(x).shape
    ('net.3', torch.Size([2, 8]))
    >>> torch.equal(network.answer(network.encode(x)), network(x))
    True
    >>> {name: tuple(map.shape) for name, map in network.stages(x).items()}
    {'stride2': (2, 8, 15, 15)}
    """

    def __init__(self, name: str, net: nn.Module, classes: int, channels: int, size: int) -> None:
        super().__init__(name, classes)
        self.net = net
        self.register_state_dict_post_hook(_leave_out_inner)
        self.register_load_state_dict_pre_hook(_put_in_inner)
        self.head_name, self.auxiliary = self._find_heads(channels, size)
        self.settle(channels, size)

    def run(self, x: Tensor) -> Any:
        return self.net(x)

    @contextmanager
    def watched(self, see: See) -> Iterator[None]:
        def telling(name: str) -> Callable[..., None]:
            return lambda _module, _inputs, output: see(name, output)

        handles = [
            module.register_forward_hook(telling(name))
            for name, module in self.named_modules()
            if name and not isinstance(module, NO_STAGES)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def as_map(self, output: Tensor, x: Tensor) -> Tensor | None:
        """(N, C, H, W), or (N, H, W, C) as some transformers have it: known by the proportions of the picture."""
        if output.shape[2] * x.shape[3] == output.shape[3] * x.shape[2]:
            return output
        if output.shape[1] * x.shape[3] == output.shape[2] * x.shape[2]:
            return output.permute(0, 3, 1, 2)
        return None

    @torch.no_grad()
    def _find_heads(self, channels: int, size: int) -> tuple[str, dict[str, str]]:
        """The last linear or convolutional layer, in the order they run, that gives a number for each class.

        And those that do not run outside training: auxiliary heads.
        """
        kinds = (nn.Linear, nn.Conv2d)
        ran: dict[str, bool] = {}

        def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, _inputs: Any, output: Any) -> None:
                axis = 1 if isinstance(module, nn.Conv2d) else -1
                ran[name] = isinstance(output, Tensor) and output.shape[axis] == self.classes

            return hook

        like = next(self.parameters(), torch.empty(0))
        layers = {name: module for name, module in self.named_modules() if isinstance(module, kinds)}
        handles = [module.register_forward_hook(look(name)) for name, module in layers.items()]
        was_training = self.training
        try:
            self.eval().run(torch.zeros(2, channels, size, size, device=like.device))
        finally:
            self.train(was_training)
            for handle in handles:
                handle.remove()
        fitting = [name for name, fits in ran.items() if fits]
        idle = {name: module for name, module in layers.items() if name not in ran}
        asides = {name: name for name, module in idle.items() if len(module.weight) == self.classes}
        return (fitting[-1] if fitting else ""), asides


def _leave_out_inner(_module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + INNER)]:
        state[prefix + name.removeprefix(prefix + INNER)] = state.pop(name)


def _put_in_inner(_module: nn.Module, state: dict[str, Any], prefix: str, *_more: Any) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + INNER + name.removeprefix(prefix)] = state.pop(name)


def stride(picture: int, map: int) -> int:
    """Pixels a side that a cell of the map stands for; where borders were lost on the way, the power of 2 nearest.

    Examples
    --------
    >>> stride(224, 16), stride(224, 55), stride(64, 7)
    (14, 4, 8)
    """
    return picture // map if picture % map == 0 else 2 ** round(math.log2(picture / map))


def tensors(output: Any) -> list[Tensor]:
    """The logits and the rest of what a network gives: a tensor, a tuple, a list or a dictionary."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = [output.get("logits"), *(value for key, value in output.items() if key != "logits")]
    if isinstance(output, tuple | list):
        return [tensor for tensor in output if isinstance(tensor, Tensor)]
    return []


@contextmanager
def seeded() -> Iterator[None]:
    """Inside the block, Python's ``random``, from which Keras draws its seeds, follows from torch's generator."""
    state = random.getstate()
    random.seed(int(torch.randint(2**31, (), device="cpu")))
    try:
        yield
    finally:
        random.setstate(state)


def kind(scores: Tensor) -> str:
    """Whether ``scores`` (N, classes) are logits, probabilities or their logarithms."""
    scores = scores.float()
    one = torch.ones(len(scores), device=scores.device)
    if (scores >= 0).all() and torch.allclose(scores.sum(dim=1), one, atol=1e-3):
        return "probabilities"
    if (scores <= 0).all() and torch.allclose(scores.exp().sum(dim=1), one, atol=1e-3):
        return "log-probabilities"
    return "logits"

"""Networks that other libraries make, by name: timm:NAME, torchvision:NAME, keras:NAME, path/to/file.py:function.

This is what their specs have in common; `discern.models.registry.get_model_spec` picks the one that a name asks for.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from discern.errors import ModelError, suggest
from discern.i18n import _
from discern.models.spec import ModelArg, check_shape

if TYPE_CHECKING:
    from discern.models.network import Model

LIBRARIES = {  # what stands before the colon -> file.Class here
    "timm": "timm_torchvision.TimmSpec",
    "torchvision": "timm_torchvision.TorchvisionSpec",
    "keras": "keras_applications.KerasSpec",
}
USER_CODE = "user_code.UserCodeSpec"


@dataclass(frozen=True)
class Origin:
    """Where another library's network comes from, instead of a paper."""

    idea: Callable[[], str]
    year: int | None = None
    paper: str | None = None


@dataclass(frozen=True)
class ExternalSpec(ABC):
    """One network of another library; the same face as `discern.models.spec.ModelSpec`."""

    name: str  # what a person types, such as timm:resnet50

    @classmethod
    @abstractmethod
    def find(cls, name: str) -> Self:
        """Look up the network called ``name``; a ModelError says that there is none, or that the library is missing."""

    @property
    def own_name(self) -> str:
        """The part after the colon: what the library calls it."""
        return self.name.partition(":")[2]

    @property
    @abstractmethod
    def size(self) -> int:
        """Pixels a side of the images it was made for."""

    @property
    def channels(self) -> int:
        """Color channels of the images it was made for."""
        return 3

    @property
    def classes(self) -> int:
        """Logits it was made with."""
        return 1000

    @property
    def has_fixed_size(self) -> bool:
        """Whether its weights are for images of its own size alone, as those of most transformers."""
        return False

    @property
    def model_args(self) -> dict[str, ModelArg]:
        """None: these networks are taken as they are."""
        return {}

    @property
    def family(self) -> Origin:
        """The facts the table shows."""
        library = self.name.partition(":")[0]
        return Origin(lambda: _("A network of the library {library}.").format(library=library))

    @abstractmethod
    def make(self, classes: int, channels: int, size: int) -> Model:
        """Make the network with random weights; whatever is raised becomes one sentence in `build`."""

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, model_args: Mapping[str, ModelArg] | None = None
    ) -> Model:
        """Build the network with random weights; a ModelError gives the library's reason why it cannot be made."""
        import torch

        size = self.size if size is None else size
        check_shape(self.name, classes, channels, size)
        for argument in model_args or {}:
            message = _('{owner} has no setting "{name}"{hint}.')
            raise ModelError(message.format(owner=self.name, name=argument, hint=""))
        if torch.empty(0).is_meta:  # not every library can build without memory
            try:
                return self.make(classes, channels, size)
            except Exception:
                with torch.device("cpu"):
                    return self._make_or_explain(classes, channels, size)
        return self._make_or_explain(classes, channels, size)

    def _make_or_explain(self, classes: int, channels: int, size: int) -> Model:
        try:
            return self.make(classes, channels, size)
        except ModelError:
            raise
        except Exception as error:  # the code of others may raise anything
            message = _(
                "{name} cannot be built for images of {size}x{size} pixels and {channels} channels ({reason}); "
                "its native size is {native}: --set size={native}."
            )
            if channels != self.channels:
                message = _(
                    "{name} cannot be built for images of {size}x{size} pixels and {channels} channels ({reason}); "
                    "natively it takes {native} pixels and {own} channels: --set size={native} --set channels={own}."
                )
            shapes = {"size": size, "channels": channels, "native": self.size, "own": self.channels}
            raise ModelError(message.format(name=self.name, reason=summarize_error(error), **shapes)) from error


def is_user_code(name: str) -> bool:
    """Return whether ``name`` is of the form file.py:function.

    Examples
    --------
    >>> is_user_code("nets/mine.py:small"), is_user_code("timm:resnet18"), is_user_code("resnet18")
    (True, False, False)
    """
    return name.rpartition(":")[0].endswith(".py")


def unknown_in_library(library: str, name: str, names: Iterable[str]) -> ModelError:
    """Make the error for a name that ``library`` does not have; the message suggests the nearest of ``names``."""
    message = _('Unknown {library} model "{name}"{hint}.')
    return ModelError(message.format(library=library, name=name, hint=suggest(name, names)))


def summarize_error(error: BaseException) -> str:
    """Return the most telling line of another library's error.

    Examples
    --------
    >>> summarize_error(ValueError("Exception encountered when calling Conv2D.call().\\n\\x1b[1mToo small.\\x1b[0m"))
    'Too small'
    >>> summarize_error(TypeError("Error when deserializing 'Dense'.\\n\\nException encountered: Units are missing."))
    'Units are missing'
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Keras colors its messages
    text = text.rpartition("Exception encountered:")[2]  # before it Keras repeats the whole layer
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered"):
        lines = lines[1:]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines = [f"{lines[0]} {lines[1]}"]
    return lines[0].rstrip(".") if lines else type(error).__name__

"""Networks that other libraries make, by name: timm:NAME, torchvision:NAME, keras:NAME, path/to/file.py:function.

A library is imported when one of its names is used, not before.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discern.errors import ModelError, nearest
from discern.i18n import _
from discern.models.rows import Setting

if TYPE_CHECKING:
    from discern.models.network import Model

LIBRARIES = ("timm", "torchvision", "keras")


@dataclass(frozen=True)
class Origin:
    """What the table tells of a network that is not its own: where it comes from, instead of a paper."""

    idea: Callable[[], str]
    year: int | None = None
    paper: str | None = None


@dataclass(frozen=True)
class External(ABC):
    """One network of another library; the same face as `discern.models.table.Entry`.

    Attributes
    ----------
    name : str
        What a person types, such as ``timm:resnet50``.
    """

    name: str

    @property
    def own_name(self) -> str:
        """The part after the colon: what the library calls it."""
        return self.name.partition(":")[2]

    @property
    @abstractmethod
    def size(self) -> int:
        """Pixels a side of the pictures it was made for."""

    @property
    def channels(self) -> int:
        """Colour channels of the pictures it was made for."""
        return 3

    @property
    def classes(self) -> int:
        """Logits it was made with."""
        return 1000

    @property
    def fixed(self) -> bool:
        """Whether its weights are for pictures of its own size alone, as those of most transformers."""
        return False

    @property
    def settings(self) -> dict[str, Setting]:
        """None: these networks are taken as they are."""
        return {}

    @property
    def family(self) -> Origin:
        """The facts the table shows."""
        library = self.name.partition(":")[0]
        return Origin(lambda: _("A network of the library {library}.").format(library=library))

    @abstractmethod
    def make(self, classes: int, channels: int, size: int) -> Model:
        """The network with random weights; whatever is raised becomes one sentence in `build`."""

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, settings: Mapping[str, Setting] | None = None
    ) -> Model:
        """As `discern.models.table.build`, for this network.

        Raises
        ------
        ModelError
            When it cannot be made for such pictures; the sentence tells the library's reason.
        """
        import torch

        from discern.models.table import check_shape

        size = self.size if size is None else size
        check_shape(self.name, classes, channels, size)
        for setting in settings or {}:
            raise ModelError(
                _("{name} has no setting {setting}; it takes: {allowed}.").format(
                    name=self.name, setting=setting, allowed="-"
                )
            )
        if torch.empty(0).is_meta:  # not every library can build without memory
            try:
                return self.make(classes, channels, size)
            except Exception:
                with torch.device("cpu"):
                    return self._made(classes, channels, size)
        return self._made(classes, channels, size)

    def _made(self, classes: int, channels: int, size: int) -> Model:
        try:
            return self.make(classes, channels, size)
        except ModelError:
            raise
        except Exception as error:  # the code of others may raise anything
            sentence = _(
                "{name} cannot be made for pictures of {size} pixels a side and {channels} channels ({reason}); "
                "its own size is {native}: --set size={native}."
            )
            if channels != self.channels:
                sentence = _(
                    "{name} cannot be made for pictures of {size} pixels a side and {channels} channels ({reason}); "
                    "its own are {native} pixels and {own} channels: --set size={native} --set channels={own}."
                )
            told = {"size": size, "channels": channels, "native": self.size, "own": self.channels}
            raise ModelError(sentence.format(name=self.name, reason=reason(error), **told)) from error


def external(name: str) -> External:
    """The network that ``name``, which has a colon in it, stands for.

    Raises
    ------
    ModelError
        When the library, the name in it or the file is not there; the sentence gives the nearest names.
    """
    library, _colon, _own = name.partition(":")
    if is_code(name):
        from discern.models.code import CodeNetwork

        return CodeNetwork.of(name)
    if library == "timm":
        from discern.models.libraries import TimmNetwork

        return TimmNetwork.of(name)
    if library == "torchvision":
        from discern.models.libraries import TorchvisionNetwork

        return TorchvisionNetwork.of(name)
    if library == "keras":
        from discern.models.keras_library import KerasNetwork

        return KerasNetwork.of(name)
    raise ModelError(
        _("{name} names no library: write {libraries} before a name, or path/to/file.py:function.").format(
            name=name, libraries=", ".join(f"{library}:" for library in LIBRARIES)
        )
    )


def is_code(name: str) -> bool:
    """Whether ``name`` is of the form file.py:function.

    Examples
    --------
    >>> is_code("nets/mine.py:small"), is_code("timm:resnet18"), is_code("resnet18")
    (True, False, False)
    """
    return name.rpartition(":")[0].endswith(".py")


def unknown(library: str, own: str, names: Iterable[str]) -> ModelError:
    """The error for a name that ``library`` does not have, with its nearest names."""
    close = nearest(own, names)
    if close:
        sentence = _("{library} has no network called {own}; the nearest are {names}.")
        return ModelError(sentence.format(library=library, own=own, names=", ".join(close)))
    return ModelError(_("{library} has no network called {own}: check the name.").format(library=library, own=own))


def reason(error: BaseException) -> str:
    """The line of an error of another library that tells most, on one line.

    Examples
    --------
    >>> reason(ValueError("Exception encountered when calling Conv2D.call().\\n\\n\\x1b[1mToo small.\\x1b[0m\\n"))
    'Too small'
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered"):
        lines = lines[1:]
    return lines[0].rstrip(".") if lines else type(error).__name__

"""A network that a person's own Python file makes: path/to/file.py:function.

The file is run, so a name like this is taken from the person at the keyboard only, never from a bundle.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from discern.errors import ModelError, nearest
from discern.i18n import _
from discern.models.external import External, Origin, reason
from discern.models.foreign import Foreign, TorchNetwork, seeded

SHAPE = {"classes": 10, "channels": 3, "size": 224}  # what a function may take, and what is assumed otherwise


@dataclass(frozen=True)
class CodeNetwork(External):
    """``path/to/file.py:function``, where the function gives a torch.nn.Module or a Keras model.

    The function is given those of ``classes``, ``channels`` and ``size`` that it has as parameters; their defaults,
    where it states some, are what the network was made for.
    """

    function: Callable[..., Any]

    @classmethod
    def of(cls, name: str) -> CodeNetwork:
        """Run the file of ``name`` and take the function out of it.

        Raises
        ------
        ModelError
            When the file or the function is not there, or the file cannot be run.
        """
        file, _colon, own = name.rpartition(":")
        path = Path(file).expanduser()
        if not path.is_file():
            raise ModelError(_("There is no file {path}: check the path.").format(path=path))
        found = _module_of(path.resolve(), path.stat().st_mtime_ns)
        function = found.get(own)
        if callable(function):
            return cls(name, function)
        names = [key for key, value in found.items() if callable(value) and not key.startswith("_")]
        raise ModelError(
            _("{path} has no function {own}; it has: {names}.").format(
                path=path, own=own, names=", ".join(nearest(own, names) or names[:3]) or "-"
            )
        )

    @property
    def size(self) -> int:
        return self._assumed("size")

    @property
    def channels(self) -> int:
        return self._assumed("channels")

    @property
    def classes(self) -> int:
        return self._assumed("classes")

    @property
    def family(self) -> Origin:
        path = self.name.rpartition(":")[0]
        return Origin(lambda: _("A network of your own, in {path}.").format(path=path))

    def make(self, classes: int, channels: int, size: int) -> Foreign:
        def call() -> Any:
            return self._call({"classes": classes, "channels": channels, "size": size})

        net = call()
        if _is_keras(net):
            from discern.models.keras_models import KerasModel

            return KerasModel(self.name, call, classes, channels, size, first=net)
        if isinstance(net, nn.Module):
            return TorchNetwork(self.name, net, classes, channels, size)
        raise ModelError(
            _("{name} gives a {kind}: it must give a torch.nn.Module or a Keras model.").format(
                name=self.name, kind=type(net).__name__
            )
        )

    def _call(self, shape: dict[str, int]) -> Any:
        taken = {key: value for key, value in shape.items() if key in self._parameters}
        try:
            with _beside(Path(self.name.rpartition(":")[0])), seeded():
                return self.function(**taken)
        except (Exception, SystemExit) as error:
            raise ModelError(
                _("{name} stopped with {kind} ({reason}): mend the function.").format(
                    name=self.name, kind=type(error).__name__, reason=reason(error)
                )
            ) from error

    @property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        try:
            return dict(inspect.signature(self.function).parameters)
        except ValueError:  # something built in
            return {}

    def _assumed(self, what: str) -> int:
        parameter = self._parameters.get(what)
        return parameter.default if parameter and isinstance(parameter.default, int) else SHAPE[what]


@functools.lru_cache(maxsize=16)
def _module_of(path: Path, _changed: int) -> dict[str, Any]:
    """What the file at ``path`` defines; it runs once until it changes."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "torch"  # read when the file imports keras
    name = f"discern_code_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the name ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _beside(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ModelError(
            _("{path} stopped with {kind} ({reason}): mend the file.").format(
                path=path, kind=type(error).__name__, reason=reason(error)
            )
        ) from error
    return vars(module)


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Inside the block, the file's neighbours can be imported, as when Python runs it."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _is_keras(net: Any) -> bool:
    """Asked before torch is: on the torch backend a Keras model is a torch.nn.Module, too."""
    if "keras" not in sys.modules:
        return False
    from discern.models.keras_models import keras

    return isinstance(net, keras().Model)

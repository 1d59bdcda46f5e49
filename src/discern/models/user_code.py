"""A network that a person's own Python file makes: path/to/file.py:function.

The file is run, so a name like this is taken from the person at the keyboard only, never from a bundle.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from torch import nn

from discern.errors import ModelError, suggest
from discern.i18n import _
from discern.models.external import ExternalSpec, Origin, summarize_error
from discern.models.keras_model import KerasModel, choose_keras_backend, import_keras
from discern.models.torch_model import TorchModel
from discern.models.wrapped import WrappedModel, seed_python_random

# What a function may take, and its values where it has none.
DEFAULT_SHAPE = {"classes": 10, "channels": 3, "size": 224}
MAX_NAMED = 10  # functions of a file that a message names


@dataclass(frozen=True)
class UserCodeSpec(ExternalSpec):
    """``path/to/file.py:function``, where the function gives a torch.nn.Module or a Keras model.

    The function is given those of ``classes``, ``channels`` and ``size`` that it has as parameters; their defaults,
    where it states some, are what the network was made for.
    """

    function: Callable[..., Any]

    @classmethod
    def find(cls, name: str) -> Self:
        """Run the file of ``name`` and take the function out of it; a ModelError says why it cannot."""
        file, _colon, own = name.rpartition(":")
        path = Path(file).expanduser()
        if not path.is_file():
            raise ModelError(_("{path} does not exist: check the path.").format(path=path))
        defined = _run_file(path.resolve(), path.stat().st_mtime_ns)
        function = defined.get(own)
        if callable(function):
            return cls(name, function)
        names = [key for key, value in defined.items() if callable(value) and not key.startswith("_")]
        message = _('{owner} has no function "{name}"{hint}.')
        raise ModelError(message.format(owner=path, name=own, hint=suggest(own, names[:MAX_NAMED])))

    @property
    def size(self) -> int:
        return self._default_shape("size")

    @property
    def channels(self) -> int:
        return self._default_shape("channels")

    @property
    def classes(self) -> int:
        return self._default_shape("classes")

    @property
    def family(self) -> Origin:
        path = self.name.rpartition(":")[0]
        return Origin(lambda: _("A network of your own, in {path}.").format(path=path))

    def make(self, classes: int, channels: int, size: int) -> WrappedModel:
        def call() -> Any:
            return self._call({"classes": classes, "channels": channels, "size": size})

        net = call()
        if _is_keras(net):
            return KerasModel(self.name, call, classes, channels, size, first=net)
        if isinstance(net, nn.Module):
            return TorchModel(self.name, net, classes, channels, size)
        message = _("{name} returns a {kind}: it must return a torch.nn.Module or a Keras model.")
        raise ModelError(message.format(name=self.name, kind=type(net).__name__))

    def _call(self, shape: dict[str, int]) -> Any:
        taken = {key: value for key, value in shape.items() if key in self._parameters}
        try:
            with _import_from(Path(self.name.rpartition(":")[0])), seed_python_random():
                return self.function(**taken)
        except (Exception, SystemExit) as error:
            message = _("{name} failed with {kind} ({reason}): fix the function.")
            reason = summarize_error(error)
            raise ModelError(message.format(name=self.name, kind=type(error).__name__, reason=reason)) from error

    @property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        try:
            return dict(inspect.signature(self.function).parameters)
        except ValueError:  # something built in
            return {}

    def _default_shape(self, name: str) -> int:
        parameter = self._parameters.get(name)
        return parameter.default if parameter and isinstance(parameter.default, int) else DEFAULT_SHAPE[name]


@functools.lru_cache(maxsize=16)
def _run_file(path: Path, _changed: int) -> dict[str, Any]:
    """Run the file at ``path`` and return what it defines; it runs again only after it changed."""
    choose_keras_backend()  # for a file that imports keras
    name = f"discern_code_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the name ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _import_from(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        message, reason = _("{path} failed with {kind} ({reason}): fix the file."), summarize_error(error)
        raise ModelError(message.format(path=path, kind=type(error).__name__, reason=reason)) from error
    return vars(module)


@contextmanager
def _import_from(path: Path) -> Iterator[None]:
    """Let the file's neighbors be imported inside the block, as when Python runs it."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _is_keras(net: Any) -> bool:
    """Return whether ``net`` is a Keras model; checked first: on torch it is a torch.nn.Module, too."""
    if "keras" not in sys.modules:
        return False
    return isinstance(net, import_keras().Model)

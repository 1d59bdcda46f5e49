"""The list of labs, the options of each, and how one is run with options that a person typed."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from discern.errors import ConfigError, suggest
from discern.i18n import N_, _
from discern.labs.options import format_value
from discern.result import Result, Table
from discern.settings import describe_error, unknown_setting

# Name -> topic, in the order of the lectures; a lab is a module of this package with a function `run`.
LABS = {
    "encode": N_("Encoding: Taiwan's ID number and its check digit; labels as one-hot vectors; images as features."),
    "threshold": N_("One feature, two classes: a threshold set by an expert, by eye, or learned from the data."),
    "boundary": N_("Decision boundaries of LDA, QDA, k-NN, SVMs, trees, label spreading and an MLP in two dimensions."),
    "convolution": N_("Convolution window by window: output size, parameters, receptive field; recovering a filter."),
    "filters": N_("Average, Gaussian, median, bilateral, sharpening and edge filters on an image, noisy or not."),
    "pooling": N_("Max, average and global pooling: the maximum of each window and the gradient's way back."),
    "activation": N_("Activation functions: value; derivative by formula, autograd and finite difference; saturation."),
    "normalization": N_("Batch, layer, instance and group normalization: which values share a mean."),
    "backprop": N_("Backpropagation through a small network: every value, local derivative, gradient and update."),
    "optimizer": N_("Gradient descent, SGD, momentum, Nesterov, RMSProp, Adam and AdamW from the same start."),
    "kmeans": N_("k-means iteration by iteration: assignments, centers and inertia."),
    "pca": N_("Principal component analysis by power iteration and deflation, step by step."),
    "network": N_("Output shapes and parameters of any network; a convolution as a sparse matrix of shared weights."),
    "augment": N_("One image under every resize mode and augmentation, and a model's prediction for each."),
    "overfit": N_("Overfitting live: training and test accuracy with and without augmentation."),
    "search": N_("Genetic, annealing, tabu, ant, swarm, bacterial and bee search compared with random search."),
}


@dataclass(frozen=True)
class Option:
    """One option of a lab."""

    name: str  # as in Python; the command line writes ``-`` for ``_``
    help: str  # one phrase
    default: Any  # the lecture's example
    type: Any  # annotated with the bounds that the value must keep

    @property
    def metavar(self) -> str:
        """Return what stands for the value in the help: the choices, or the name in capitals."""
        base = get_args(self.type)[0]
        return "|".join(get_args(base)) if get_origin(base) is Literal else self.name.upper()

    @property
    def is_flag(self) -> bool:
        """Return whether it is either on or off."""
        return isinstance(self.default, bool)

    @property
    def default_text(self) -> str:
        """Return the default as a person would type it; empty where there is none."""
        return "" if self.default is None else format_value(self.default)


@dataclass(frozen=True)
class LabDescription(Result):
    """One lab: its topic and its options."""

    name: str
    topic: str
    options: tuple[Option, ...]

    figsize = None

    def sentences(self) -> Sequence[str]:
        return [self.topic]

    def tables(self) -> Sequence[Table]:
        columns = (_("option"), _("values"), _("default"), _("description"))
        rows = []
        for option in self.options:
            name, values = "--" + option.name.replace("_", "-"), "" if option.is_flag else option.metavar
            rows.append((name, values, option.default_text, option.help))
        return [Table("", columns, rows, text_columns=4)]


@dataclass(frozen=True)
class LabList(Result):
    """Every lab and its topic, in the order of the lectures."""

    labs: dict[str, str]

    figsize = None

    def sentences(self) -> Sequence[str]:
        return [_("discern lab NAME works a lecture's example; discern lab NAME --help lists its options.")]

    def tables(self) -> Sequence[Table]:
        return [Table("", (_("lab"), _("topic")), list(self.labs.items()), text_columns=2)]


def list_labs() -> LabList:
    """Return every lab with its topic."""
    return LabList({name: _(topic) for name, topic in LABS.items()})


def describe_lab(name: str) -> LabDescription:
    """Return the topic and the options of a lab, read from the signature of its ``run``.

    Raises `ConfigError` when there is no such lab.

    Examples
    --------
    >>> [option.name for option in describe_lab("pooling").options][:2]
    ['example', 'image']
    """
    run = _import_lab(name).run
    hints = get_type_hints(run, include_extras=True)
    options = []
    for parameter in inspect.signature(run).parameters.values():
        hint = hints[parameter.name]
        help_text = next(extra for extra in get_args(hint) if isinstance(extra, str))
        options.append(Option(parameter.name, _(help_text), parameter.default, hint))
    return LabDescription(name, _(LABS[name]), tuple(options))


def run_lab(name: str, settings: Mapping[str, Any]) -> Result:
    """Run a lab; an option that is not among ``settings`` is that of the lecture's example."""
    options = {option.name: option for option in describe_lab(name).options}
    for setting in settings:
        if setting not in options:
            raise unknown_setting(setting, list(options), owner=name)
    fields: dict[str, Any] = {option.name: (option.type, option.default) for option in options.values()}
    model = create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True, extra="forbid"), **fields)
    try:
        checked = model.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(describe_error(error, settings)) from error
    result: Result = _import_lab(name).run(**{option: getattr(checked, option) for option in options})
    return result


def _import_lab(name: str) -> Any:
    if name in LABS:
        return importlib.import_module(f"discern.labs.{name}")
    raise ConfigError(_('Unknown lab "{name}"{hint}.').format(name=name, hint=suggest(name, LABS)))

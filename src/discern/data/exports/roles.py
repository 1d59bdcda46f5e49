"""Which field of an export holds the image, the label, the split or the group, where the person names its fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from discern.errors import ConfigError, suggest
from discern.i18n import _

_NAMES = {
    "image": ("image", "file_name", "filename", "file", "path", "img"),
    "label": ("label", "labels", "class", "class_name", "category", "choice", "choices", "target", "species", "breed"),
    "split": ("split", "subset", "set", "ml_use", "fold"),
    "group": ("group", "patient", "patient_id", "subject", "camera", "site", "plant"),
}


def find_column(role: str, candidates: Sequence[str], requested: str = "") -> str:
    """Return the field that is requested, else the one whose name says ``role``; "" where none does."""
    if requested in candidates:
        return requested
    by_name = {name.casefold(): name for name in reversed(candidates)}
    return next((by_name[name] for name in _NAMES[role] if name in by_name), "")


def choose_column(path: Path, role: str, candidates: Sequence[str], requested: str = "") -> str:
    """Return the field for ``role``; a `ConfigError` lists the candidates where there are several, or none fits."""
    if requested and requested not in candidates:
        message = _('Unknown column "{name}" in {path}{hint}.')
        raise ConfigError(message.format(path=path, name=requested, hint=suggest(requested, list(candidates))))
    if requested or len(candidates) == 1:
        return requested or candidates[0]
    named = find_column(role, candidates)
    if named:
        return named
    if not candidates:
        message = _("{path} has no field for the {role}: export it again with one.")
        raise ConfigError(message.format(path=path, role=role))
    message = _("{path} has several fields that could be the {role} ({names}): choose one with --{role}.")
    raise ConfigError(message.format(path=path, role=role, names=", ".join(candidates)))

"""What a report is made of, as plain data: `discern.runs.report_data` reads it from a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discern.data.findings import Finding
from discern.evaluation.metrics import TaskMetrics
from discern.evaluation.predictions import StoredPredictions
from discern.evaluation.report.stored_images import StoredImages
from discern.models.summary import ModelSummary
from discern.notices import Notice


@dataclass(frozen=True)
class SplitSummary:
    """How examples were dealt to the splits.

    Attributes
    ----------
    seed : int
        Of the random assignment.
    notices : tuple of Notice
        How the splits came to be.
    counts : mapping
        Examples in each split.
    classes : mapping
        Class -> split -> examples.
    reasons : tuple of (str, Notice, int)
        Split, why examples are there, how many.
    """

    seed: int
    notices: tuple[Notice, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    reasons: tuple[tuple[str, Notice, int], ...] = ()


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything a report is made of; nothing in it is a sentence yet, so it is in the reader's language.

    Attributes
    ----------
    data, model : str
        Names of the data set and of the model.
    outputs : tuple of str
        Names of the classes, or of the number that was learned.
    unit : {"images", "rows"}
        What an example is.
    settings : mapping
        Every resolved setting, by name.
    command : str
        Trains the same model again.
    provenance : mapping
        Versions, machine, fingerprint of the data: title -> text.
    alerts : tuple of Notice
        What the reader must know first: training is unfinished, the data has moved.
    choices : tuple of Notice
        What was chosen without being requested.
    findings : tuple of Finding
        Of the data audit.
    split : SplitSummary
        How examples were dealt.
    epochs : tuple of mapping
        The epoch records.
    planned : int
        Epochs that training was to take; 0 where there are none.
    metrics : TaskMetrics or None
        Of the held-out split; None where training is unfinished.
    remarks : tuple of Notice
        How probabilities were scaled, and what test-time augmentation brings.
    search : mapping
        What a search over settings tried; empty without one.
    predictions : StoredPredictions or None
        Of the same split as the metrics; None where they are not stored.
    images : StoredImages or None
        Thumbnails of that split; None where they are not stored.
    layers : ModelSummary or None
        The network's table; None for a classical model.
    """

    data: str
    model: str
    outputs: tuple[str, ...]
    unit: str
    settings: Mapping[str, Any]
    command: str
    provenance: Mapping[str, str]
    split: SplitSummary
    alerts: tuple[Notice, ...] = ()
    choices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()
    epochs: tuple[Mapping[str, Any], ...] = ()
    planned: int = 0
    metrics: TaskMetrics | None = None
    remarks: tuple[Notice, ...] = ()
    search: Mapping[str, Any] = field(default_factory=dict)
    predictions: StoredPredictions | None = None
    images: StoredImages | None = None
    layers: ModelSummary | None = None

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
    """How examples were dealt to the splits."""

    seed: int  # of the random assignment
    notices: tuple[Notice, ...] = ()  # how the splits came to be
    counts: Mapping[str, int] = field(default_factory=dict)  # split -> examples
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # class -> split -> examples
    reasons: tuple[tuple[str, Notice, int], ...] = ()  # split, why examples are there, how many


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything a report is made of; nothing in it is a sentence yet, so it is in the reader's language."""

    data: str  # the name of the data set
    model: str
    outputs: tuple[str, ...]  # names of the classes, or of the number that was learned
    unit: str  # what an example is: images or rows
    settings: Mapping[str, Any]  # every resolved one, by name
    command: str  # trains the same model again
    provenance: Mapping[str, str]  # versions, machine, fingerprint of the data: title -> text
    split: SplitSummary
    alerts: tuple[Notice, ...] = ()  # what the reader must know first: training is unfinished, the data has moved
    choices: tuple[Notice, ...] = ()  # what was chosen without being requested
    findings: tuple[Finding, ...] = ()  # of the data audit
    epochs: tuple[Mapping[str, Any], ...] = ()  # the epoch records
    planned: int = 0  # epochs that training was to take; 0 where there are none
    metrics: TaskMetrics | None = None  # of the held-out split; None where training is unfinished
    remarks: tuple[Notice, ...] = ()  # how probabilities were scaled, and what test-time augmentation brings
    search: Mapping[str, Any] = field(default_factory=dict)  # what a search over settings tried
    predictions: StoredPredictions | None = None  # of the same split as the metrics; None where they are not stored
    images: StoredImages | None = None  # thumbnails of that split; None where they are not stored
    layers: ModelSummary | None = None  # the network's table; None for a classical model

"""The phases of a run: the head on features of a frozen backbone, all layers, or one after the other."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from discern.api.job import Job
from discern.i18n import _
from discern.models.network import Model
from discern.progress import Watcher
from discern.runtime import Ranks, device
from discern.training.checkpoint import load_best, read_progress
from discern.training.config import Config
from discern.training.loop import Trainer
from discern.training.sources import Data, Features, Pictures, Source
from discern.training.transfer import Head, make_features, phases, read_features

Records = list[dict[str, Any]]


def fit(job: Job, ranks: Ranks, watch: Watcher) -> tuple[dict[str, Tensor], Records]:
    """Train, going on from the checkpoints there are.

    Returns
    -------
    weights : dict
        Every tensor of the network, as it validated best.
    history : list of dict
        A record an epoch, over all phases.

    Raises
    ------
    Interrupted
        After Ctrl-C, when everything is saved.
    """
    model, history = job.network(), Records()
    plan = phases(job.config)
    for i, config in enumerate(plan):
        total = len(history) + sum(phase.epochs for phase in plan[i:])
        history += _Phase(job, config, model, ranks, watch, history, total).train()
    return model.state_dict(), history


class _Phase:
    """One trainer, and the events it makes; its epochs are counted on from those ``before``."""

    def __init__(
        self, job: Job, config: Config, model: Model, ranks: Ranks, watch: Watcher, before: Records, total: int
    ) -> None:
        self.job, self.config, self.model, self.ranks, self.watch = job, config, model, ranks, watch
        self.before, self.total = list(before), total
        self.trained = Head(model) if config.tune == "head" else model
        self.folder = job.run.checkpoint / "head" if config.tune == "head" else job.run.checkpoint
        self.values = self.folder / "features.npy"
        self.seconds = 0.0  # that the features took

    def train(self) -> Records:
        """This phase's records; the model then has the weights that validated best."""
        progress = read_progress(self.folder)
        if self.ranks.first:
            self._announce(progress.history)
        history = progress.history if progress.finished else self._run()
        self.trained.load_state_dict(load_best(self.folder))
        if self.ranks.first:
            self.values.unlink(missing_ok=True)
        if self.seconds:  # the first epoch waited for the features
            history[0] = {**history[0], "seconds": round(history[0]["seconds"] + self.seconds, 3)}
        return [self._record(record) for record in history]

    def _run(self) -> Records:
        """The trainer's records, when it is through."""
        where = device(self.config.device)
        trainer = Trainer(self.trained, self.config, self._source(where), self.folder, where, self.ranks, self._listen)
        trainer.train()
        return trainer.progress.history

    def _source(self, where: torch.device) -> Source:
        job, config = self.job, self.config
        data = Data(
            pixels=job.pixels,
            labels=job.labels,
            train=job.rows(job.prepared.split.train),
            validation=job.rows(job.prepared.split.validation),
            classes=len(job.prepared.dataset.classes),
        )
        if config.tune != "head":
            return Pictures(data, config, job.spec, where, self.ranks)
        if self.ranks.first and not self.values.exists():
            began = time.perf_counter()
            make_features(self.model, data, config, job.spec, self.values, where, self.watch.progress)
            self.seconds = time.perf_counter() - began
        self.ranks.wait()
        return Features(data, config, read_features(self.values), where, self.ranks)

    def _announce(self, history: Records) -> None:
        run, done = self.job.run, [*self.before, *map(self._record, history)]
        opening = {"event": "start", "model": self.config.model, "epochs": self.total, "epoch": len(done)}
        written = run.read_config()
        notices = [{"event": "notice", "text": text} for text in (*written["findings"], *written["notices"])]
        run.rewrite_events([*notices, opening, *({"event": "epoch", **record} for record in done)])
        self.watch.event(opening)

    def _listen(self, kind: str, fields: dict[str, Any]) -> None:
        if kind == "step":
            self.watch.progress(_("training"), fields["done"], fields["total"])
        elif self.ranks.first:
            record = self._record(fields)
            self.job.run.log(kind, **record)
            self.watch.event({"event": kind, **record})

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        epoch = record["epoch"] + len(self.before)
        return {**record, "epoch": epoch, "epochs": self.total, "phase": self.config.tune}

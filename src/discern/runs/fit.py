"""The phases of a run: the head on features of a frozen backbone, all layers, or one after the other."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from discern.i18n import _
from discern.models.network import Model
from discern.progress import Reporter
from discern.runs.create import NetworkContext, build_network
from discern.runtime import Ranks, choose_device
from discern.training.checkpoint import load_best, read_state
from discern.training.config import TrainConfig
from discern.training.loop import Trainer
from discern.training.sources import BatchSource, FeatureBatches, ImageBatches, TrainingData
from discern.training.transfer import Head, load_features, plan_phases, save_features

Records = list[dict[str, Any]]


def fit_network(context: NetworkContext, ranks: Ranks, reporter: Reporter) -> tuple[dict[str, Tensor], Records]:
    """Train, continuing from the checkpoints there are: every tensor as it validated best, and a record an epoch."""
    model, history = build_network(context), Records()
    plan = plan_phases(context.config)
    for i, config in enumerate(plan):
        total = len(history) + sum(phase.optim.epochs for phase in plan[i:])
        history += _Phase(context, config, model, ranks, reporter, history, total).train()
    return model.state_dict(), history


class _Phase:
    """One trainer, and the events it makes; its epochs are counted on from those ``before``."""

    def __init__(
        self,
        context: NetworkContext,
        config: TrainConfig,
        model: Model,
        ranks: Ranks,
        reporter: Reporter,
        before: Records,
        total: int,
    ) -> None:
        self.context, self.config, self.model, self.ranks, self.reporter = context, config, model, ranks, reporter
        self.before, self.total = list(before), total
        self.is_head = config.finetune.finetune == "head"
        self.trained = Head(model) if self.is_head else model
        self.folder = context.run.checkpoint / "head" if self.is_head else context.run.checkpoint
        self.features = self.folder / "features.npy"
        self.seconds = 0.0  # that the features took

    def train(self) -> Records:
        """Return this phase's records; the model then has the weights that validated best."""
        progress = read_state(self.folder)
        if self.ranks.first:
            self._announce(progress.history)
        history = progress.history if progress.is_finished else self._run()
        self.trained.load_state_dict(load_best(self.folder))
        if self.ranks.first:
            with suppress(OSError):  # all is trained; what is left takes room, no more
                self.features.unlink()
        if self.seconds:  # the first epoch waited for the features
            history[0] = {**history[0], "seconds": round(history[0]["seconds"] + self.seconds, 3)}
        return [self._number(record) for record in history]

    def _run(self) -> Records:
        """Train to the end, and return the trainer's records."""
        device = choose_device(self.config.runtime.device)
        source = self._source(device)
        trainer = Trainer(self.trained, self.config, source, self.folder, device, self.ranks, self._listen)
        trainer.train()
        return trainer.state.history

    def _source(self, device: torch.device) -> BatchSource:
        context, config, spec = self.context, self.config, self.config.preprocess
        data = TrainingData(
            pixels=context.inputs,
            labels=context.labels,
            train=context.positions(context.prepared.split.train),
            validation=context.positions(context.prepared.split.validation),
            classes=len(context.prepared.dataset.classes),
        )
        if not self.is_head:
            return ImageBatches(data, config, spec, device, self.ranks)
        if self.ranks.first and not self.features.exists():
            start = time.perf_counter()
            save_features(self.model, data, config, spec, self.features, device, self.reporter.progress)
            self.seconds = time.perf_counter() - start
        self.ranks.wait()
        return FeatureBatches(data, config, load_features(self.features), device, self.ranks)

    def _announce(self, history: Records) -> None:
        run, done = self.context.run, [*self.before, *map(self._number, history)]
        start = {"event": "start", "model": self.config.model, "epochs": self.total, "epoch": len(done)}
        notices = [{"event": "notice", **notice} for notice in run.read_notices()]
        run.rewrite_events([*notices, start, *({"event": "epoch", **epoch} for epoch in done)])
        self.reporter.event(start)

    def _listen(self, kind: str, fields: dict[str, Any]) -> None:
        if kind == "step":
            self.reporter.progress(_("training"), fields["done"], fields["total"])
        elif self.ranks.first:
            record = self._number(fields)
            self.context.run.log(kind, **record)
            self.reporter.event({"event": kind, **record})

    def _number(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return an epoch's record with its number in the whole run."""
        epoch = record["epoch"] + len(self.before)
        return {**record, "epoch": epoch, "epochs": self.total, "phase": self.config.finetune.finetune}

"""The phases of a run: the head on features of a frozen backbone, all layers, or one after the other."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from discern.api.job import Job
from discern.i18n import _
from discern.models.network import Model
from discern.progress import Watcher
from discern.runtime import Ranks, device
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
        self.job, self.config, self.ranks, self.watch = job, config, ranks, watch
        self.before, self.total = list(before), total
        where = device(config.device)
        split = job.prepared.split
        data = Data(
            pixels=job.pixels,
            labels=job.labels,
            train=job.rows(split.train),
            validation=job.rows(split.validation),
            classes=len(job.prepared.dataset.classes),
        )
        self.trained = Head(model) if config.tune == "head" else model
        folder = job.run.checkpoint
        source: Source
        if config.tune == "head":
            folder = folder / "head"
            values = folder / "features.npy"
            if ranks.first and not values.exists():
                make_features(model, data, config, job.spec, values, where, watch.progress)
            ranks.wait()
            source = Features(data, config, read_features(values), where, ranks)
        else:
            source = Pictures(data, config, job.spec, where, ranks)
        self.trainer = Trainer(self.trained, config, source, folder, where, ranks, self._listen)

    def train(self) -> Records:
        """This phase's records; the model then has the weights that validated best."""
        if self.ranks.first:
            self._announce()
        self.trained.load_state_dict(self.trainer.train())
        return [self._record(record) for record in self.trainer.progress.history]

    def _announce(self) -> None:
        run, done = self.job.run, [*self.before, *map(self._record, self.trainer.progress.history)]
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

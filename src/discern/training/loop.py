"""The training loop: device, data, model, loss, optimizer, and then batch after batch.

All randomness of a step follows from (seed, epoch, step), so a run that was killed goes on from its last checkpoint
to the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel

from discern.errors import RunError
from discern.i18n import _
from discern.models.network import Model
from discern.preprocess.augment import Targets
from discern.runtime import Ranks, deterministic, keep_freed_memory, seed_for
from discern.training.average import follow
from discern.training.checkpoint import load_best, load_checkpoint, save_best, save_checkpoint
from discern.training.compiling import compiled
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.interrupt import Agreement, Interrupt, Interrupted
from discern.training.losses import class_weights, loss
from discern.training.optimizers import make_optimizer
from discern.training.parts import Part, apart, parts
from discern.training.probe import autocast, placed
from discern.training.schedule import factor
from discern.training.sources import Source
from discern.training.transfer import Head

AUXILIARY = 0.3  # share of an auxiliary head's loss (Szegedy et al. 2014, "Going deeper with convolutions", section 5)
LONG_EPOCH = 20  # times config.checkpoint_seconds: an epoch this long is saved inside, too

Listener = Callable[[str, dict[str, Any]], None]
Answers = Callable[[Tensor], tuple[Tensor, ...]]


class Trainer:
    """Trains a network; goes on from the run's checkpoint if it has one.

    Parameters
    ----------
    model : Model or Head
        Called, it gives logits; ``answers`` gives those of auxiliary heads, too.
    config : Config
        With ``precision`` and ``layout`` decided.
    source : Source
        Batches of inputs and targets.
    folder : Path
        Where checkpoints go.
    listen : callable
        Told ("epoch", record) after each epoch and ("step", {"done", "total"}) after each step.
    """

    def __init__(
        self,
        model: Model | Head,
        config: Config,
        source: Source,
        folder: Path,
        device: torch.device,
        ranks: Ranks,
        listen: Listener,
    ) -> None:
        self.config, self.folder, self.ranks, self.listen = config, folder, ranks, listen
        torch.manual_seed(seed_for(config.seed, "trainer"))
        # 0 device
        self.device = device
        if device.type == "cpu":
            keep_freed_memory()
        # 1 data
        self.source, self.steps = source, source.batches.steps
        # 2 model
        self.model = placed(model, config.layout, device)
        self.average: AveragedModel | None = None
        if config.ema:
            self.average = AveragedModel(self.model)
        # 3 loss
        self.weights: Tensor | None = None
        if config.class_weights:
            self.weights = class_weights(source.data.labels[source.data.train], source.data.classes).to(device)
        # 4 optimizer
        self.optimizer = make_optimizer(self.model, config)

        self.progress = load_checkpoint(folder, self.model, self.optimizer, self.average)
        if not ranks.first:
            self.progress.sums = [0.0, 0.0, 0.0]  # the first process goes on with the sums of all
        self.best = load_best(folder) if self.progress.best_epoch else {}
        if isinstance(model, Model) and not (config.weights or self.progress.started):
            model.prepare(source.some(model.prepared_by))
        self.saved = time.monotonic()
        self.agreed = Agreement(ranks)

    def train(self) -> dict[str, Tensor]:
        """Run the epochs that are left; the state dict that validated best comes back.

        Raises
        ------
        Interrupted
            After Ctrl-C, when everything is saved.
        """
        config, progress = self.config, self.progress
        answers = self._answers()
        # 5 training loop
        with deterministic(), cpu_convolutions(self.model), Interrupt() as interrupt:
            while not progress.finished:
                sums = torch.tensor(progress.sums, device=self.device)
                left = 1 - progress.step / self.steps
                self.model.train()
                began = time.perf_counter()
                for x, targets in self.source.epoch(progress.epoch, start=progress.step):
                    torch.manual_seed(seed_for(config.seed, "step", progress.epoch, progress.step))  # of dropout
                    for part in parts(x, targets, config.accumulate, self.weights):
                        with apart(answers, part.last):
                            logits, part_loss = self._descend(answers, part)
                        sums += tally(logits, part.targets, part_loss * len(x))
                    self._update()
                    progress.step += 1
                    self.listen("step", {"done": progress.step, "total": self.steps})
                    self._stop_or_save(interrupt.asked, sums)
                total = self.ranks.sum(sums).tolist()  # waits for the device
                rate = left * len(self.source.data.train) / (time.perf_counter() - began)
                self._close_epoch(total, began, rate)
        return self.best

    def _answers(self) -> Answers:
        """What makes the logits of a training step: compiled or not, its gradients averaged over the processes."""
        answers = compiled(self.model.answers) if self.config.compile == "yes" else self.model.answers
        if self.ranks.size == 1:
            return answers
        self.ranks.align(self.model.buffers())
        return DistributedDataParallel(Answering(answers, self.model.parameters()), gradient_as_bucket_view=True)

    def _descend(self, answers: Answers, part: Part) -> tuple[Tensor, Tensor]:
        """Forward, loss and backward of a part: logits (n, classes), and its share of the step's loss ()."""
        with autocast(self.config.precision, self.device):
            logits, *asides = answers(part.x)
        part_loss = part.share * self._loss(logits, part.targets)
        (part_loss + sum(AUXILIARY * part.share * self._loss(aside, part.targets) for aside in asides)).backward()
        return logits.detach(), part_loss.detach()

    def _loss(self, logits: Tensor, targets: Targets) -> Tensor:
        return loss(logits.float(), targets, self.weights, self.config.label_smoothing)

    def _update(self) -> None:
        """One step of the optimizer on the gradients that are there."""
        if self.config.clip:
            clip_grad_norm_(self.model.parameters(), self.config.clip)
        now = self.progress.epoch + (self.progress.step + 0.5) / self.steps
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * group["share"] * factor(self.config, now / group.get("until", 1.0))
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            follow(self.average, self.model, self.config.ema)

    def _stop_or_save(self, asked: bool, sums: Tensor) -> None:
        """Inside an epoch: save when asked to stop, and now and then in a long one."""
        if not self.agreed(asked or time.monotonic() - self.saved > LONG_EPOCH * self.config.checkpoint_seconds):
            return
        self.progress.sums = self.ranks.sum(sums.clone()).tolist()
        self._save()
        if self.ranks.any(asked):
            raise Interrupted

    def _close_epoch(self, sums: list[float], began: float, rate: float) -> None:
        config, progress = self.config, self.progress
        validated = self.model if self.average is None else self.average.module
        total_loss, correct, n = sums
        if not math.isfinite(total_loss):
            sentence = _(
                "The loss is no number any more in epoch {epoch}: lower the rate, for example --set lr={lr:g}."
            )
            raise RunError(sentence.format(epoch=progress.epoch + 1, lr=config.lr / 10))
        validation = self._validate(validated)
        record: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            "epochs": config.epochs,
            "train": {"top1": correct / n, "loss": total_loss / n},
            "validation": validation,
            "lr": config.lr * factor(config, progress.epoch + 1),
            "seconds": round(time.perf_counter() - began, 3),
            "images_per_second": round(rate, 1),
        }
        if progress.is_best(record, by_loss=config.tune == "head"):
            progress.best_epoch = progress.epoch + 1
            self.best = {name: t.detach().clone() for name, t in validated.state_dict().items()}
        progress.close_epoch(record)
        waited = progress.epoch - progress.best_epoch
        progress.finished = progress.epoch >= config.epochs or 0 < config.patience <= waited
        if self.ranks.any(progress.finished or time.monotonic() - self.saved > config.checkpoint_seconds):
            self._save()
        self.listen("epoch", record)

    @torch.inference_mode()
    def _validate(self, model: nn.Module) -> dict[str, float]:
        """Top-1 accuracy and mean cross-entropy on the validation part; ranks share the work."""
        model.eval()
        self.ranks.align(model.buffers())  # each process gathered statistics of its own; the first one's are kept
        sums = torch.zeros(3, device=self.device)
        for x, labels in self.source.validation():
            with autocast(self.config.precision, self.device):
                logits = model(x).float()
            sums += tally(logits, Targets(labels), loss(logits, Targets(labels)) * len(logits))
        total_loss, correct, n = self.ranks.sum(sums).tolist()
        return {"top1": correct / n, "loss": total_loss / n}

    def _save(self) -> None:
        """Best first: a checkpoint never names weights that are not there."""
        if self.ranks.first:
            if self.best:
                save_best(self.folder, self.best)
            save_checkpoint(self.folder, self.progress, self.model, self.optimizer, self.average)
        self.ranks.wait()
        self.saved = time.monotonic()


class Answering(nn.Module):
    """``answers`` as a forward over parameters, which is what DistributedDataParallel wraps.

    The buffers stay out of its sight: it would send the first process's to the others in every step.
    """

    def __init__(self, answers: Answers, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__()
        self.answers, self.shared = answers, nn.ParameterList(parameters)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answers(x)


def tally(logits: Tensor, targets: Targets, total: Tensor) -> Tensor:
    """Summed loss, correct, n of a batch, kept on the device: nothing waits for them. -> (3,)"""
    correct = (logits.argmax(dim=1) == targets.a).sum()
    return torch.stack([total, correct.to(total.dtype), torch.full_like(total, len(logits))])

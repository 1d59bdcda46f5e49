"""The training loop: device, data, model, loss, optimizer, and then batch after batch.

All randomness of a step follows from (seed, epoch, step), so a training that was killed resumes from its last
checkpoint to the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel

from discern.errors import Interrupted, RunError
from discern.i18n import _
from discern.models.network import Model
from discern.preprocess.augment import Targets
from discern.runtime import Ranks, deterministic, keep_freed_memory, seed_for
from discern.training.checkpoint import load_best, load_checkpoint, save_best, save_checkpoint
from discern.training.compiling import Forward, compile_forward
from discern.training.config import TrainConfig
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.ema import update_ema
from discern.training.interrupt import Interrupt, StopVote
from discern.training.losses import MicroBatch, compute_class_weights, compute_loss, split_batch
from discern.training.optimizers import make_optimizer
from discern.training.probe import autocast, move_to
from discern.training.schedule import lr_multiplier
from discern.training.sources import BatchSource
from discern.training.transfer import Head

AUXILIARY_WEIGHT = 0.3  # of an auxiliary head's loss (Szegedy et al. 2014, "Going deeper with convolutions", section 5)
LONG_EPOCH = 20  # times checkpoint_seconds: an epoch this long is saved inside, too

Report = Callable[[str, dict[str, Any]], None]


class Trainer:
    """Trains a network; resumes from the run's checkpoint if it has one.

    Called, ``model`` returns logits, and its ``forward_train`` those of auxiliary heads, too; ``config`` has precision
    and memory format decided; checkpoints are written to ``folder``; ``report`` is called with ("epoch", record) after
    each epoch and ("step", {"done", "total"}) after each step.
    """

    def __init__(
        self,
        model: Model | Head,
        config: TrainConfig,
        source: BatchSource,
        folder: Path,
        device: torch.device,
        ranks: Ranks,
        report: Report,
    ) -> None:
        self.config, self.folder, self.ranks, self.report = config, folder, ranks, report
        torch.manual_seed(seed_for(config.seed, "trainer"))
        # 0 device
        self.device = device
        if device.type == "cpu":
            keep_freed_memory()
        # 1 data
        self.source, self.steps = source, source.batches.steps
        # 2 model
        self.model = move_to(model, config.runtime.memory_format, device)
        self.average = AveragedModel(self.model) if config.optim.ema else None
        # 3 loss
        self.class_weights: Tensor | None = None
        if config.optim.class_weights:
            labels = source.data.labels[source.data.train]
            self.class_weights = compute_class_weights(labels, source.data.classes).to(device)
        # 4 optimizer
        self.optimizer = make_optimizer(self.model, config)

        self.state = load_checkpoint(folder, self.model, self.optimizer, self.average)
        if not ranks.first:
            self.state.sums = [0.0, 0.0, 0.0]  # the first process goes on with the sums of all
        self.best = load_best(folder) if self.state.best_epoch else {}
        if isinstance(model, Model) and not (config.finetune.weights or self.state.has_started):
            model.init_from_data(source.first_n(model.init_images))
        self.last_save = time.monotonic()
        self.stop_vote = StopVote(ranks)

    def train(self) -> dict[str, Tensor]:
        """Run the epochs that are left, and return the state dict that validated best.

        Raises `Interrupted` after Ctrl-C, when everything is saved.
        """
        config, state = self.config, self.state
        forward = self._prepare_forward()
        # 5 training loop
        with deterministic(), cpu_convolutions(self.model), Interrupt() as interrupt:
            while not state.is_finished:
                sums = torch.tensor(state.sums, device=self.device)
                remaining = 1 - state.step / self.steps
                self.model.train()
                start = time.perf_counter()
                for x, targets in self.source.epoch(state.epoch, start=state.step):
                    torch.manual_seed(seed_for(config.seed, "step", state.epoch, state.step))  # of dropout
                    for micro in split_batch(x, targets, config.optim.accumulate_grad, self.class_weights):
                        with no_sync_unless_last(forward, micro.is_last):
                            logits, loss = self._forward_backward(forward, micro)
                        sums += batch_totals(logits, micro.targets, loss * len(x))
                    self._update()
                    state.step += 1
                    self.report("step", {"done": state.step, "total": self.steps})
                    self._save_or_stop(interrupt.requested, sums)
                totals = self.ranks.sum(sums).tolist()  # waits for the device
                rate = remaining * len(self.source.data.train) / (time.perf_counter() - start)
                self._end_epoch(totals, start, rate)
        return self.best

    def _prepare_forward(self) -> Forward:
        """Return what computes the logits of a training step: compiled or not, gradients averaged over processes."""
        forward: Forward = self.model.forward_train
        if self.config.runtime.compile == "yes":
            forward = compile_forward(forward)
        if self.ranks.size == 1:
            return forward
        self.ranks.align(self.model.buffers())
        return DistributedDataParallel(ForwardModule(forward, self.model.parameters()), gradient_as_bucket_view=True)

    def _forward_backward(self, forward: Forward, micro: MicroBatch) -> tuple[Tensor, Tensor]:
        """Return the logits (n, classes) of a micro-batch and its part of the step's loss (), gradients computed."""
        with autocast(self.config.runtime.precision, self.device):
            logits, *auxiliary = forward(micro.x)
        loss = micro.loss_weight * self._loss(logits, micro.targets)
        weight = AUXILIARY_WEIGHT * micro.loss_weight
        (loss + sum(weight * self._loss(other, micro.targets) for other in auxiliary)).backward()
        return logits.detach(), loss.detach()

    def _loss(self, logits: Tensor, targets: Targets) -> Tensor:
        return compute_loss(logits.float(), targets, self.class_weights, self.config.optim.label_smoothing)

    def _update(self) -> None:
        """Take one step of the optimizer on the gradients that are there."""
        optim, state = self.config.optim, self.state
        if optim.grad_clip_norm:
            clip_grad_norm_(self.model.parameters(), optim.grad_clip_norm)
        epoch = state.epoch + (state.step + 0.5) / self.steps
        for group in self.optimizer.param_groups:
            group["lr"] = optim.lr * group["lr_scale"] * lr_multiplier(self.config, epoch / group.get("until", 1.0))
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            update_ema(self.average, self.model, optim.ema)

    def _save_or_stop(self, stop: bool, sums: Tensor) -> None:
        """Save inside an epoch: when it must stop, and now and then in a long one."""
        overdue = time.monotonic() - self.last_save > LONG_EPOCH * self.config.runtime.checkpoint_seconds
        if not self.stop_vote(stop or overdue):
            return
        self.state.sums = self.ranks.sum(sums.clone()).tolist()
        self._save()
        if self.ranks.any(stop):
            raise Interrupted

    def _end_epoch(self, totals: list[float], start: float, rate: float) -> None:
        """Validate, keep the weights that validated best, and decide whether training ends."""
        optim, state = self.config.optim, self.state
        loss, correct, n = totals
        if not math.isfinite(loss):
            message = _(
                "The loss became NaN or infinite in epoch {epoch}: lower the learning rate, for example --set lr={lr:g}"
            )
            raise RunError(message.format(epoch=state.epoch + 1, lr=optim.lr / 10))
        validated = self.model if self.average is None else self.average.module
        validation = self._validate(validated)
        record: dict[str, Any] = {
            "epoch": state.epoch + 1,
            "epochs": optim.epochs,
            "train": {"top1": correct / n, "loss": loss / n},
            "validation": validation,
            "lr": optim.lr * lr_multiplier(self.config, state.epoch + 1),
            "seconds": round(time.perf_counter() - start, 3),
            "images_per_second": round(rate, 1),
        }
        if state.is_best(record, by_loss=self.config.finetune.finetune == "head"):
            state.best_epoch = state.epoch + 1
            self.best = {name: t.detach().clone() for name, t in validated.state_dict().items()}
        state.end_epoch(record)
        waited = state.epoch - state.best_epoch
        state.is_finished = state.epoch >= optim.epochs or 0 < optim.early_stopping_patience <= waited
        overdue = time.monotonic() - self.last_save > self.config.runtime.checkpoint_seconds
        if self.ranks.any(state.is_finished or overdue):
            self._save()
        self.report("epoch", record)

    @torch.inference_mode()
    def _validate(self, model: nn.Module) -> dict[str, float]:
        """Compute top-1 accuracy and mean cross-entropy on the validation split; processes share the work."""
        model.eval()
        self.ranks.align(model.buffers())  # each process gathered statistics of its own; the first one's are used
        sums = torch.zeros(3, device=self.device)
        for x, labels in self.source.validation():
            with autocast(self.config.runtime.precision, self.device):
                logits = model(x).float()
            sums += batch_totals(logits, Targets(labels), compute_loss(logits, Targets(labels)) * len(logits))
        loss, correct, n = self.ranks.sum(sums).tolist()
        return {"top1": correct / n, "loss": loss / n}

    def _save(self) -> None:
        """Save the best weights, then the checkpoint, which so never refers to weights that are not there."""
        if self.ranks.first:
            if self.best:
                save_best(self.folder, self.best)
            save_checkpoint(self.folder, self.state, self.model, self.optimizer, self.average)
        self.ranks.wait()
        self.last_save = time.monotonic()


class ForwardModule(nn.Module):
    """``forward_train`` as a module over parameters, which is what DistributedDataParallel wraps.

    The buffers stay out of its sight: it would send the first process's to the others in every step.
    """

    def __init__(self, forward: Forward, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__()
        self.forward_train, self.trained = forward, nn.ParameterList(parameters)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.forward_train(x)


def no_sync_unless_last(forward: Forward, is_last: bool) -> AbstractContextManager[None]:
    """Let processes keep their gradients to themselves until the last micro-batch of a step."""
    return nullcontext() if is_last or not isinstance(forward, DistributedDataParallel) else forward.no_sync()


def batch_totals(logits: Tensor, targets: Targets, loss_sum: Tensor) -> Tensor:
    """Return summed loss, number correct and number of a batch on the device: nothing waits for them. -> (3,)"""
    correct = (logits.argmax(dim=1) == targets.a).sum()
    return torch.stack([loss_sum, correct.to(loss_sum.dtype), torch.full_like(loss_sum, len(logits))])

"""torch.compile, used where a whole run gets shorter by it: what it costs and gains is measured on this machine.

It is never needed: where it fails, for want of a C++ compiler for example, the network runs as it is.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pydantic
import torch
from torch import Tensor

from discern.models.network import Model
from discern.notices import Notice
from discern.runtime import continue_uncompiled, deterministic
from discern.training.config import TrainConfig
from discern.training.probe import ComputePlan, cached_measurement, move_to, step_times, time_step

Forward = Callable[[Tensor], tuple[Tensor, ...]]

COMPILE_SECONDS = 60.0  # that compiling a network takes, before it is known
MIN_RUN = 60  # times that is the shortest run that is held up by a trial: an hour
MARGIN = 1.1  # compiling must make the run this much shorter: noise must not choose
BATCH_SIZES = 2  # in a run, which differ by one image: the network is compiled for each


@dataclass(frozen=True)
class CompileTrial:
    """What compiling a network costs and gains."""

    plain: float  # images/s of training steps without it
    compiled: float = 0.0  # images/s with it
    seconds: float = 0.0  # the first compiled step, which compiles
    error: str = ""  # why it failed; empty where it did not

    def durations(self, images: int) -> tuple[float, float]:
        """Return the seconds that ``images`` take without compiling, and with it."""
        return images / self.plain, BATCH_SIZES * self.seconds + images / self.compiled

    def pays_off(self, images: int) -> bool:
        """Return whether going through ``images`` is clearly shorter compiled, compiling included.

        Examples
        --------
        >>> trial = CompileTrial(plain=100.0, compiled=200.0, seconds=60.0)
        >>> trial.pays_off(10_000), trial.pays_off(1_000_000)
        (False, True)
        """
        if self.error:
            return False
        plain, compiled = self.durations(images)
        return plain > MARGIN * compiled


def compile_forward(forward: Forward) -> Forward:
    """Return ``forward``, compiled when it is first called; names and weights of the network stay what they are.

    Where this machine cannot compile, as when a run is resumed elsewhere, torch says so and goes on without.
    """
    continue_uncompiled()
    compiled: Forward = torch.compile(forward)
    return compiled


def decide_compile(
    model: Model, config: TrainConfig, plan: ComputePlan, device: torch.device, images: int, processes: int = 1
) -> tuple[Literal["yes", "no"], tuple[Notice, ...]]:
    """Decide whether to compile the training steps of a run; where anything was tried, with a notice on it.

    With ``compile`` in ``config``, ``auto`` tries it where the run is so long that it could pay off, ``yes`` where it
    works; it is tried on a copy of ``model``. The run goes through ``images``, each counted in every epoch, which
    ``processes`` share.
    """
    mode, own_images = config.runtime.compile, images // processes
    if mode == "no" or (mode == "auto" and own_images < MIN_RUN * COMPILE_SECONDS * plan.rate):
        return "no", ()
    batch_size = max(1, config.optim.batch_size // (processes * config.optim.accumulate_grad))
    shape = (batch_size, config.preprocess.channels, config.preprocess.size, config.preprocess.size)
    key = ["compile", config.model, config.model_args, shape, plan.precision, plan.memory_format]

    def measure() -> dict[str, Any]:
        return asdict(_try_compiling(model, plan, shape, device))

    trial = CompileTrial(**cached_measurement(key, device, measure, _is_trial))
    decision = trial.pays_off(own_images) if mode == "auto" else not trial.error
    return "yes" if decision else "no", (_make_notice(trial, decision, own_images),)


def _is_trial(value: dict[str, Any]) -> bool:
    """Return whether ``value``, from a file, is a `CompileTrial` that can be reckoned with."""
    try:
        trial = pydantic.TypeAdapter(CompileTrial).validate_python(value)
    except ValueError:
        return False
    return (
        asdict(trial) == value and 0 < trial.plain < math.inf and (bool(trial.error) or 0 < trial.compiled < math.inf)
    )


def _try_compiling(model: Model, plan: ComputePlan, shape: tuple[int, ...], device: torch.device) -> CompileTrial:
    """Compile a copy of ``model`` as training would, and time its steps beside those of the network as it is."""
    with torch.random.fork_rng(), deterministic(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = move_to(copy.deepcopy(model), plan.memory_format, device).train()
        format = plan.precision, plan.memory_format
        plain = time_step(step_times(lambda x: twin.forward_train(x)[0], format, shape, device))
        try:
            forward = torch.compile(twin.forward_train)
            times = step_times(lambda x: forward(x)[0], format, shape, device)
            first = next(times)
            best = time_step(times)
        except Exception as error:  # whatever a compiler may run into
            reason = getattr(error, "inner_exception", None) or error
            message = f"{type(reason).__name__}: {str(reason).strip()}".splitlines()[0]
            return CompileTrial(shape[0] / plain, error=message)
        # again, for the machine may have been busy the first time
        plain = min(plain, time_step(step_times(lambda x: twin.forward_train(x)[0], format, shape, device)))
    return CompileTrial(round(shape[0] / plain, 1), round(shape[0] / best, 1), round(first, 1))


def _make_notice(trial: CompileTrial, decision: bool, images: int) -> Notice:
    if trial.error:
        return Notice("training.compile_failed", {"error": trial.error})
    before, after = map(_make_duration, trial.durations(images))
    fields = {"seconds": trial.seconds, "compiled": trial.compiled, "plain": trial.plain}
    code = "training.compiled" if decision else "training.not_compiled"
    return Notice(code, {**fields, "before": before, "after": after})


def _make_duration(seconds: float) -> Notice:
    if seconds < 100:
        return Notice("word.n_seconds", {"n": seconds})
    if seconds < 6000:
        return Notice("word.n_minutes", {"n": seconds / 60})
    return Notice("word.n_hours", {"n": seconds / 3600})

"""torch.compile, offered where a whole run gets shorter by it: what it costs and gives is measured on this machine.

It is never needed: where it fails, for want of a C++ compiler for example, the network runs as it is.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from discern.i18n import _
from discern.models.network import Model
from discern.runtime import deterministic
from discern.training.config import Config
from discern.training.probe import Choice, fastest, kept, placed, steps

Answers = Callable[[Tensor], tuple[Tensor, ...]]

COMPILE = 60.0  # seconds that compiling a network takes, before it is known
LONG = 60  # times that is the shortest run that is held up to try: an hour
MARGIN = 1.1  # compiling must make the run this much shorter: noise must not choose
SIZES = 2  # of batches in a run, which differ by one picture: each is compiled


@dataclass(frozen=True)
class Trial:
    """What compiling a network costs and gives.

    Attributes
    ----------
    plain, compiled : float
        Pictures a second of training steps, as they are and compiled.
    seconds : float
        The first compiled step, which compiles.
    error : str
        Why it failed; empty where it did not.
    """

    plain: float
    compiled: float = 0.0
    seconds: float = 0.0
    error: str = ""

    def spans(self, pictures: int) -> tuple[float, float]:
        """Seconds that ``pictures`` take as they are, and compiled."""
        return pictures / self.plain, SIZES * self.seconds + pictures / self.compiled

    def pays(self, pictures: int) -> bool:
        """Whether going through ``pictures`` is clearly shorter compiled, compiling included.

        Examples
        --------
        >>> trial = Trial(plain=100.0, compiled=200.0, seconds=60.0)
        >>> trial.pays(10_000), trial.pays(1_000_000)
        (False, True)
        """
        if self.error:
            return False
        plain, compiled = self.spans(pictures)
        return plain > MARGIN * compiled


def compiled(answers: Answers) -> Answers:
    """``answers`` compiled when it is first called; names and weights of the network stay what they are.

    Where this machine cannot compile, as when a run goes on elsewhere, torch says so and goes on without.
    """
    torch._dynamo.config.suppress_errors = True
    ready: Answers = torch.compile(answers)
    return ready


def offer(
    model: Model, config: Config, choice: Choice, device: torch.device, pictures: int, processes: int = 1
) -> tuple[Literal["yes", "no"], list[str]]:
    """Whether to compile the training steps of a run, and the notice about it.

    Parameters
    ----------
    model : Model
        Stays as it is.
    config : Config
        With ``compile``: ``auto`` tries it where the run is so long that it could pay, ``yes`` where it works.
    choice : Choice
        Precision and layout, and how fast steps are.
    device : torch.device
        Where training takes place.
    pictures, processes : int
        That the run goes through, each counted in every epoch; that share them.

    Returns
    -------
    compile : {"yes", "no"}
        ``no`` where compiling failed.
    why : list of str
        One sentence; none where nothing was tried.
    """
    each = pictures // processes
    if config.compile == "no" or (config.compile == "auto" and each < LONG * COMPILE * choice.rate):
        return "no", []
    batch = max(1, config.batch // (processes * config.accumulate))
    shape = (batch, config.channels, config.size, config.size)
    name = ["compile", config.model, config.network, shape, choice.precision, choice.layout]
    trial = Trial(**kept(name, device, lambda: asdict(_try(model, choice, shape, device))))
    answer = trial.pays(each) if config.compile == "auto" else not trial.error
    return "yes" if answer else "no", [_why(trial, answer, each)]


def _try(model: Model, choice: Choice, shape: tuple[int, ...], device: torch.device) -> Trial:
    """Compile a copy of ``model`` as training would, and time its steps beside those of the network as it is."""
    with torch.random.fork_rng(), deterministic(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = placed(copy.deepcopy(model), choice.layout, device).train()
        way = choice.precision, choice.layout
        plain = fastest(steps(lambda x: twin.answers(x)[0], way, shape, device))
        try:
            answers = torch.compile(twin.answers)
            times = steps(lambda x: answers(x)[0], way, shape, device)
            first = next(times)
            best = fastest(times)
        except Exception as error:  # whatever a compiler may run into
            reason = getattr(error, "inner_exception", None) or error
            return Trial(shape[0] / plain, error=f"{type(reason).__name__}: {str(reason).strip()}".splitlines()[0])
        plain = min(plain, fastest(steps(lambda x: twin.answers(x)[0], way, shape, device)))
    return Trial(round(shape[0] / plain, 1), round(shape[0] / best, 1), round(first, 1))


def _why(trial: Trial, answer: bool, pictures: int) -> str:
    if trial.error:
        sentence = _("The network is not compiled, because that fails on this machine ({error}).")
        return sentence.format(error=trial.error)
    if answer:
        sentence = _(
            "The network is compiled: that takes {seconds:.0f} s here, and steps then run at {compiled:,.0f} pictures/s"
            " and not {plain:,.0f}; the training about {after} and not {before}."
        )
    else:
        sentence = _(
            "The network is not compiled: that takes {seconds:.0f} s here, and steps would run at {compiled:,.0f} "
            "pictures/s and not {plain:,.0f}; the training about {after} and not {before}."
        )
    before, after = map(_duration, trial.spans(pictures))
    return sentence.format(**asdict(trial), before=before, after=after)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return _("{seconds:.0f} seconds").format(seconds=seconds)
    if seconds < 6000:
        return _("{minutes:.0f} minutes").format(minutes=seconds / 60)
    return _("{hours:.1f} hours").format(hours=seconds / 3600)

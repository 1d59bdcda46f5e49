"""From a request to a finished run: prepare, choose, train, evaluate, report."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from discern.errors import Interrupted
from discern.i18n import _
from discern.printable import quote_argument
from discern.progress import NullReporter, Reporter
from discern.runs.classical import train_classical
from discern.runs.create import NetworkContext, create_run, resume_run
from discern.runs.evaluate import finish_network
from discern.runs.fit import fit_network
from discern.runs.request import TrainRequest
from discern.runs.run import Run
from discern.runs.run_lock import lock_run
from discern.runtime import Ranks, join_processes


def run_training(request: TrainRequest, reporter: Reporter) -> Run:
    """Train what is requested; of several processes that torchrun started, the first reports."""
    with join_processes() as ranks:
        reporter = reporter if ranks.first else NullReporter()
        if request.is_classical:  # one process learns, the others wait
            path = str(train_classical(request, reporter).path) if ranks.first else None
            return Run.open(ranks.broadcast(path))
        with ExitStack() as stack:
            if ranks.first and request.resume:
                stack.enter_context(lock_run(request.resume))
            context = _open_run(request, ranks, reporter)
            if ranks.first and not request.resume:
                stack.enter_context(lock_run(context.run.path))
            return _fit(context, ranks, reporter)


def _fit(context: NetworkContext, ranks: Ranks, reporter: Reporter) -> Run:
    """Train the network of a run, and finish the run."""
    try:
        weights, history = fit_network(context, ranks, reporter)
    except Interrupted:
        message = _("Stopped; everything is saved. Resume with: discern train --resume {run}")
        raise Interrupted(message.format(run=quote_argument(context.run.path))) from None
    if ranks.first:
        finish_network(context, weights, history, reporter)
    ranks.wait()
    return Run(context.run)


def _open_run(request: TrainRequest, ranks: Ranks, reporter: Reporter) -> NetworkContext:
    """Create or resume the run; the other processes find all ready on disk."""
    context: Any = None
    if ranks.first:
        context = resume_run(request, reporter) if request.resume else create_run(request, reporter, ranks.size)
    path = ranks.broadcast(str(context.run.path) if context else None)
    code = request.model_code or request.model
    return context or resume_run(replace(request, data=None, resume=path, model_code=code), reporter)

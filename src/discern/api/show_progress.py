"""What follows a verb at work unless another reporter is given."""

from __future__ import annotations

from discern.display import JsonLines, make_display
from discern.progress import Reporter


def show_progress(as_json: bool = False) -> Reporter:
    """Return the reporter that shows work on stderr: live bars in a terminal, plain lines elsewhere.

    Parameters
    ----------
    as_json : bool
        Print each event as a line of JSON on stdout as well.

    Examples
    --------
    >>> reporter = show_progress()
    >>> reporter.close()
    """
    return JsonLines(make_display()) if as_json else make_display()

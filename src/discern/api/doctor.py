"""What this machine is, what is installed, how fast it is, and where data and weights are looked for."""

from __future__ import annotations

from discern.runs.doctor import MachineReport, examine_machine


def doctor() -> MachineReport:
    """Return the facts to send along with a question.

    Examples
    --------
    >>> [table.title for table in doctor().tables()]
    ['Machine', 'Packages', 'Folders, in the order of search']
    """
    return examine_machine()

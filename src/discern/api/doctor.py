"""What this machine is, what is installed, how fast it is, and where data and weights are looked for."""

from discern.runs.doctor import doctor as doctor

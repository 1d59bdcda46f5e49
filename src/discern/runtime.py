"""The machine: process-wide switches, device, seeds, several processes, and a description of it all.

torch is imported by the functions that need it: some switches must be set before it is loaded, and `discern --help`
does without it. Whatever changes the whole process or uses a private name of torch stands here, with its reason.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.errors import ConfigError
from discern.i18n import _

if TYPE_CHECKING:
    import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
PREPARING = timedelta(days=2)  # the others wait while rank 0 decodes the data; torch alone would end them in 10 minutes


def set_environment() -> None:
    """Set what OpenMP and cuBLAS read once, when torch is loaded; what a person has set stays.

    - GOMP_SPINCOUNT: OpenMP threads that wait give up their core sooner, which helps where other programs compute too:
      ResNet-18 at 241 instead of 164 images/s beside one busy program, 1,168 against 1,050 to 1,262 alone.
    - CUBLAS_WORKSPACE_CONFIG: without it cuBLAS does not give the same bits twice (its documentation, "Results
      reproducibility").
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def collect_garbage_rarely() -> None:
    """Let Python look for unreachable objects rarely: imports make a million that stay, and each look costs 0.2 s."""
    gc.set_threshold(200_000)


def exit_at_once(code: object) -> None:
    """End the process without Python's own end, which takes torch apart for 0.2 s.

    Everything registered for the end has run, and everything printed is out; where that fails, the exit code says so.
    """
    atexit._run_exitfuncs()
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        code = 141
    except OSError:
        code = code or 1
    os._exit(code if isinstance(code, int) else 1)


def keep_freed_memory() -> None:
    """Have the C library keep what tensors free for those that come next, instead of giving it back each time.

    Large blocks come fresh from the system and are zeroed page by page at their first use, which takes longer than
    what a CPU then computes in them: ReLU, GELU and normalization of wide layers are two to three times as fast
    without (docs/speed.md).
    The process holds on to the most it ever used. Only glibc (Linux) has the two switches.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Have the C library give back what is free, so that a measurement of memory starts from what is in use."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def continue_uncompiled() -> None:
    """Let torch run uncompiled what it cannot compile, as when a run is resumed on a machine without a compiler."""
    import torch

    torch._dynamo.config.suppress_errors = True


def lerp_tensors(tensors: Sequence[torch.Tensor], targets: Sequence[torch.Tensor], weight: float) -> None:
    """Move each of ``tensors`` towards its target by ``weight``, in place and all in one call.

    A GPU runs a few kernels so instead of one a tensor, 267 of them for ResNet-50; a CPU takes the same time.
    """
    import torch

    torch._foreach_lerp_(list(tensors), list(targets), weight)


def sample_gamma(alpha: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw from Gamma(alpha, 1), one number each; torch.distributions takes no generator, and so no seed of its own."""
    import torch

    return torch._standard_gamma(alpha, generator=generator)


def choose_device(name: str = "auto") -> torch.device:
    """Return the device to compute on: ``auto`` takes CUDA, then MPS, then the CPU.

    Raises `ConfigError` when this machine does not have the device.
    """
    import torch
    import torch.distributed as dist

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, present in available.items() if present)
    kind = name.split(":")[0]
    if not available.get(kind, False):
        message = _("device={name} is not available on this machine: choose one of {devices}.")
        devices = ", ".join(kind for kind, present in available.items() if present)
        raise ConfigError(message.format(name=name, devices=devices))
    if name == "cuda" and dist.is_initialized():
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(name)


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy ``tensor`` to ``device``; a GPU fetches it from pinned memory, so that the CPU need not wait for it.

    Examples
    --------
    >>> import torch
    >>> to_device(torch.ones(2), torch.device("cpu")).tolist()
    [1.0, 1.0]
    """
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def seed_for(*parts: int | str) -> int:
    """Return a 63-bit seed for one purpose, for example ``seed_for(seed, "step", 17)``; no two share numbers.

    Examples
    --------
    >>> seed_for(0, "step", 1) == seed_for(0, "step", 1), seed_for(0, "step", 1) == seed_for(0, "step", 2)
    (True, False)
    """
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def make_generator(*parts: int | str) -> torch.Generator:
    """Return a CPU generator seeded by `seed_for`."""
    import torch

    return torch.Generator().manual_seed(seed_for(*parts))


@contextmanager
def deterministic() -> Iterator[None]:
    """Give the same bits for the same seed on the same machine, inside the block."""
    import torch

    before = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic  # a module whose attributes the type checker does not see
    benchmark, fill = torch.backends.cudnn.benchmark, memory.fill_uninitialized_memory
    # use_deterministic_algorithms sets the same switch, and loads torch's compiler to do so: a second at each start.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    memory.fill_uninitialized_memory = False  # nothing here reads memory it did not write; 6 % faster
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.backends.cudnn.benchmark = benchmark
        memory.fill_uninitialized_memory = fill


@dataclass(frozen=True)
class Ranks:
    """This process among those that torchrun started; alone it is rank 0 of 1."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            import torch.distributed as dist

            dist.barrier()

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over all processes, in place."""
        if self.size > 1:
            import torch.distributed as dist

            dist.all_reduce(values)
        return values

    def any(self, value: bool) -> bool:
        """Return whether ``value`` is true on some rank, known to all."""
        if self.size == 1:
            return value
        import torch

        return bool(self.sum(torch.tensor(int(value), device=_group_device())))

    def align(self, tensors: Iterable[torch.Tensor]) -> None:
        """Give ``tensors`` rank 0's values, in place, on every rank."""
        if self.size > 1:
            import torch.distributed as dist

            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def broadcast(self, value: Any) -> Any:
        """Return rank 0's JSON-able value on every rank."""
        if self.size == 1:
            return value
        import torch
        import torch.distributed as dist

        device = _group_device()
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8).to(device)
        length = torch.tensor([len(text)], device=device)
        dist.broadcast(length, src=0)
        if not self.first:
            text = torch.empty(int(length), dtype=torch.uint8, device=device)
        dist.broadcast(text, src=0)
        return json.loads(bytes(text.tolist()))


def _group_device() -> torch.device:
    """Return the device whose tensors the process group moves."""
    import torch
    import torch.distributed as dist

    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


def read_world_size() -> int:
    """Return how many processes train together, as torchrun says in the environment.

    Raises `ConfigError` when the variables are not as torchrun sets them: torch would wait for days, or fail later.
    """
    size = _read_count("WORLD_SIZE", 1, 1)
    if size > 1:
        missing = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
        if missing:
            message = _("WORLD_SIZE is {size}, but {names} are not set: start with torchrun, or unset WORLD_SIZE.")
            raise ConfigError(message.format(size=size, names=", ".join(missing)))
        _read_count("LOCAL_RANK", 0, 0)
        if _read_count("RANK", 0, 0) >= size:
            message = _("RANK is {rank}, but WORLD_SIZE is {size}: start with torchrun, or unset both.")
            raise ConfigError(message.format(rank=os.environ["RANK"], size=size))
    return size


def _read_count(name: str, default: int, minimum: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= minimum):
        message = _(
            "The environment variable {name} is {value}: expected a whole number; torchrun sets it, or unset it."
        )
        raise ConfigError(message.format(name=name, value=text))
    return int(text[:9])


@contextmanager
def join_processes() -> Iterator[Ranks]:
    """Join the processes that torchrun started for the length of the block; without torchrun, this one alone."""
    import torch
    import torch.distributed as dist

    size = read_world_size()
    if size == 1 or dist.is_initialized():
        yield Ranks(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Ranks()
        return
    on_cuda = torch.cuda.is_available()
    if on_cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_cuda else "gloo", timeout=PREPARING)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def describe_machine() -> dict[str, Any]:
    """Describe the machine, for the record of a run; JSON-able."""
    import torch

    facts: dict[str, Any] = {
        "system": platform.system(),
        "processor": read_processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def read_processor_name() -> str:
    """Return the processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()

"""Make `.venv` from the lock: `make env`. Standard library only, and neither venv's pip nor uv need be installed.

pip is the wheel beside this file; it reads the machine's own configuration (pip.conf, PIP_*) for where packages come
from. The lock holds every package with its hashes, so nothing is resolved and nothing unlocked is installed.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PEERS = ROOT / ".venv-bench"
PIP = next((ROOT / "tools").glob("pip-*.whl")) / "pip"
# What a torch built for the processor alone does without, and torch itself: a name, or a name's beginning.
TORCH = re.compile(r"(torch|torchvision|triton|nvidia-.*|cuda-.*)$")
# What fastai's vision part imports, one by one: its own list brings spacy and a web framework, and could move torch.
FASTAI = [
    *("fastai==2.8.12", "fastcore==2.2.39", "fastdownload==0.0.8", "fastprogress==1.0.3", "fasttransform==0.0.5"),
    *("plum-dispatch<2.10", "beartype", "requests", "urllib3", "certifi", "charset-normalizer", "pandas"),
]
ONNX = [
    *("onnx==1.23.2", "onnx-ir==1.1.0", "onnxruntime==1.32.0", "onnxscript==0.7.2"),
    *("flatbuffers", "ml-dtypes", "protobuf"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", choices=["locked", "installed"], default="locked")
    parser.add_argument("--empty", action="store_true", help="only make .venv, with pip in it")
    parser.add_argument("--peers", action="store_true", help="make .venv-bench: .venv with fastai and onnxruntime")
    chosen = parser.parse_args()
    try:
        if chosen.empty:
            empty()
        elif chosen.peers:
            peers()
        else:
            fill(chosen.torch)
    except subprocess.CalledProcessError:
        sys.exit("discern: pip could not install the packages (its reason is above); run the same command again.")
    except OSError as error:
        sys.exit(f"discern: {error}; free some space or choose a folder that is yours, then run it again.")


def fill(torch: str) -> None:
    """Install the lock and this checkout into `.venv`, unless the stamp says that it is done."""
    stamp, busy = VENV / "discern.stamp", VENV / "discern.busy"
    wanted = signature(torch)
    if stamp.exists() and stamp.read_text() == wanted and python(VENV).exists():
        return
    if torch == "installed":
        if not python(VENV).exists() or not importable(VENV, "torch", "torchvision"):
            sys.exit("discern: .venv holds no torch and torchvision: `make venv`, install them there, then try again.")
    elif busy.exists() or not usable():
        # An install that was killed can leave half a package that pip takes for a whole one.
        create(VENV)
    stamp.unlink(missing_ok=True)
    busy.touch()
    try:
        lock = (ROOT / "requirements.lock").read_text()
        chosen = VENV / "discern.lock"
        chosen.write_text(without_torch(lock) if torch == "installed" else lock)
        pip(VENV, "--no-deps", "--require-hashes", "-r", chosen)
        pip(VENV, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    except subprocess.CalledProcessError:
        busy.unlink()  # pip undoes what it could not finish
        raise
    stamp.write_text(wanted)
    busy.unlink()


def empty() -> None:
    """Make `.venv` anew with nothing but pip."""
    create(VENV)
    pip(VENV, "--no-index", PIP.parent)


def peers() -> None:
    """Make `.venv-bench`: what `.venv` holds by a .pth file, fastai and onnxruntime; `.venv` itself stays as it is."""
    packages = site_packages(PEERS)
    if not all((packages / name).exists() for name in ("fastai", "onnxruntime")):
        create(PEERS)
        (site_packages(PEERS) / "discern-peers.pth").write_text(f"{site_packages(VENV)}\n{ROOT / 'src'}\n")
        pip(PEERS, "--no-deps", *FASTAI, *ONNX)


def create(folder: Path) -> None:
    """Make an environment without pip, which is all that every Python can be trusted to make."""
    try:
        import venv
    except ImportError:
        sys.exit(
            f"discern: this Python ({sys.executable}) lacks its venv module: install your system's "
            "python3-venv package, or name a whole one: make env PYTHON=/path/to/python3.12"
        )
    if folder.exists():
        shutil.rmtree(folder)
    print(f"making {folder.name} with Python {sys.version.split()[0]}", flush=True)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)


def pip(folder: Path, *arguments: object) -> None:
    command = [python(folder), PIP, "install", "--no-user", "--disable-pip-version-check", "--no-input", *arguments]
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT)


def without_torch(lock: str) -> str:
    """The lock less torch and what only its CUDA build needs."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    return "\n".join(entry for entry in entries if not TORCH.match(re.split(r"[=\s]", entry, maxsplit=1)[0])) + "\n"


def signature(torch: str) -> str:
    """What the environment depends on: a change of any of it makes `make env` work again."""
    digest = hashlib.sha256(f"{ROOT}\n{torch}\n".encode())
    for name in ("requirements.lock", "pyproject.toml", "tools/environment.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def usable() -> bool:
    """Whether `.venv` is there and its Python, new enough, runs and thinks that it lives there."""
    probe = "import sys; print(sys.version_info >= (3, 11), sys.prefix)"
    try:
        answer = subprocess.run([python(VENV), "-c", probe], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.split(maxsplit=1) == ["True", f"{VENV}\n"]


def importable(folder: Path, *modules: str) -> bool:
    probe = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {modules!r})))"
    return subprocess.run([python(folder), "-c", probe], check=False).returncode == 0


def python(folder: Path) -> Path:
    return folder / "bin" / "python"


def site_packages(folder: Path) -> Path:
    """Where the packages of ``folder`` lie, for the Python that runs this."""
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


if __name__ == "__main__":
    main()

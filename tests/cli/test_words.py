"""One language: help and misuse are English or Chinese, Typer's own words too."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

COMMANDS = ("data", "train", "evaluate", "report", "compare", "predict", "explain", "models", "doctor", "lab pooling")
MISUSE = {
    "no such command": ("frobnicate", "No such command 'frobnicate'."),
    "no such option": ("data digits --sed 3", "No such option: --sed"),
    "a missing argument": ("data", "Missing argument 'DATA'."),
    "a missing value": ("train --epochs", "Option '--epochs' requires an argument."),
    "no number": ("train --epochs x", "Invalid value for '--epochs'"),
    "too small": ("predict a b --top-k 0", "Invalid value for '--top-k'"),
    "too much": ("doctor now", "Got unexpected extra argument(s) (now)"),
    "no such option of a lab": ("lab pooling --strid 3", "No such option: --strid"),
}


def run(language: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: help is made once, when the commands are."""
    environment = {**os.environ, "DISCERN_LANG": language, "COLUMNS": "80"}
    command = [sys.executable, "-m", "discern", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_all_in_chinese(name: str) -> None:
    output = run("zh_TW", *name.split(), "--help").stdout
    assert output.startswith("用法：") and "顯示這段說明後結束。" in output
    # without options, values, defaults and names of methods, there is no English sentence
    words = re.sub(
        r"--[\w-]+|[A-Z_]{2,}\S*|<\w+>|\[[^\]]*\]|\{[^}]*\}|`[^`]*`|[\w.+:-]+[,、|]", "", output.partition("\n")[2]
    )
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", words), words


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_says_what_is_wrong(case: str) -> None:
    words, message = MISUSE[case]
    english, chinese = (run(language, *words.split()) for language in ("en", "zh_TW"))
    assert english.returncode == chinese.returncode == 2
    assert f"Error: {message}" in english.stderr and not english.stdout
    assert "錯誤：" in chinese.stderr and message not in chinese.stderr
    if case != "a missing value":
        assert "Usage: discern" in english.stderr and "--help' for help." in english.stderr
        assert "用法：discern" in chinese.stderr


def test_no_arguments_show_the_help() -> None:
    assert run("en").stdout == run("en", "--help").stdout

"""A file from elsewhere is data, never code: nothing in the package unpickles or evaluates anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import discern

SOURCES = sorted(Path(discern.__file__).parent.rglob("*.py"))
RUNS_CODE = {"eval", "exec", "compile", "__import__", "joblib.load", "yaml.load", "marshal.loads", "marshal.load"}
SAFE_ONLY_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal"}
ALLOWED = {"pickle.UnpicklingError"}  # the name of torch's refusal


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, object]]]:
    """The name and the constant keywords of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            constants = {k.arg: k.value.value for k in node.keywords if k.arg and isinstance(k.value, ast.Constant)}
            yield ast.unparse(node.func), constants


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_source_runs_a_file(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for name, keywords in calls(tree):
        assert name not in RUNS_CODE
        if name in SAFE_ONLY_WITH:
            keyword, value = SAFE_ONLY_WITH[name]
            assert keywords.get(keyword) is value, f"{name} without {keyword}={value}"
        assert keywords.get("allow_pickle") is not True
        assert keywords.get("weights_only") is not False
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in PICKLES
        if isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] in PICKLES:
            assert ast.unparse(node) in ALLOWED
        if isinstance(node, ast.Import):
            assert not any(alias.asname and alias.name in PICKLES for alias in node.names)

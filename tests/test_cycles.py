"""No two modules import each other, whether at their top or in a function; no longer cycle exists among the tops."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
FILES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "discern").rglob("*.py"))
}
Graph = dict[str, set[str]]


def iter_imports(node: ast.AST, inside_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements below ``node``, those for type checkers left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        elif inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from iter_imports(child, inside_functions)


def list_modules(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the modules of discern that a statement imports."""
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    else:  # a name imported from a package may be a module of its own
        inner = [f"{statement.module}.{alias.name}" for alias in statement.names]
        names = [name if name in FILES else str(statement.module) for name in inner]
    yield from (name for name in names if name in FILES)


def build_graph(inside_functions: bool) -> Graph:
    """Return for each module those that it imports."""
    graph: Graph = {}
    for module, path in FILES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {name for found in iter_imports(tree, inside_functions) for name in list_modules(found)}
        graph[module] = imported - {module}
    return graph


def find_cycle(graph: Graph) -> list[str]:
    """Return the modules of one cycle, in order; an empty list where there is none."""
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module not in finished:
            for other in sorted(graph[module]):
                if cycle := visit(other, [*path, module]):
                    return cycle
            finished.add(module)
        return []

    return next((cycle for module in graph if (cycle := visit(module, []))), [])


def test_no_two_modules_import_each_other() -> None:
    graph = build_graph(inside_functions=True)
    assert [(one, other) for one in graph for other in sorted(graph[one]) if one < other and one in graph[other]] == []


def test_no_cycle_among_imports_at_the_top() -> None:
    assert find_cycle(build_graph(inside_functions=False)) == []


def test_a_cycle_would_be_noticed() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []

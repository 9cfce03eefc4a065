"""The house's rules: what imports what, and what a command loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "transformers", "networkx", "numpy", "pydantic", "rich", "causalspec_runtime"}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_the_language_never_imports_the_runtime() -> None:
    """No module of the language names torch, transformers or the runtime, at any depth of a function."""
    files = list((ROOT / "causalspec").rglob("*.py"))
    assert len(files) > 20
    for path in files:
        assert not _imports(path) & {"torch", "transformers", "accelerate", "causalspec_runtime"}, path


def test_torch_stays_below_the_engine() -> None:
    """Data, chance, plan, statistics and claims are computed without torch."""
    package = ROOT / "runtime" / "causalspec_runtime"
    files = [
        package / f"{name}.py" for name in ("plan", "chance", "statistics", "shares", "claims", "dataset", "results")
    ]
    files += list((package / "counterfactuals").glob("*.py"))
    files += list((package / "analysis").glob("*.py"))
    for path in files:
        assert not _imports(path) & {"torch", "transformers"}, path


def test_check_loads_nothing_heavy() -> None:
    """`causalspec check` of the example imports no torch, transformers, networkx, numpy, pydantic or rich."""
    program = (
        "import sys; from causalspec.cli import main; status = main(['check', 'specs/price_tagging.cspec']);"
        f"print(status, sorted(set(sys.modules) & {HEAVY!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []"

"""``python -m tests.benchmarks [CASE ...]``: run the cases, print the table, write ``.guantong/bench.json``."""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from catalog.model.settings import home_folder
from tests.benchmarks.cases import CASES
from tests.benchmarks.result import Result

PACKAGES = ("pyspark", "delta-spark", "apache-airflow", "great-expectations", "pyarrow")
console = Console()


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    memory = psutil.virtual_memory().total // 1024**3
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cores": psutil.cpu_count(),
        "processor": models[0] if models else platform.processor(),
        "memory_gib": memory,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def show(results: list[Result]) -> None:
    """Print the results side by side."""
    table = Table(title="Benchmarks (基准测试): medians; ratio = ours / theirs")
    for heading in ("case", "peer", "ours", "theirs", "unit", "ratio", "goal", "met"):
        table.add_column(heading, overflow="fold")
    for r in results:
        met = "–" if r.met is None else "yes" if r.met else "NO"
        goal = "–" if r.goal is None else f"≤ {r.goal:g}"
        table.add_row(r.case, r.peer, f"{r.ours:.1f}", f"{r.theirs:.1f}", r.unit, f"{r.ratio:.2f}", goal, met)
    console.print(table)


def main(names: list[str]) -> int:
    """Run the named cases, or all of them."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        console.print(f"no case {', '.join(unknown)}; there are: {', '.join(CASES)}")
        return 2
    results: list[Result] = []
    for name in names or list(CASES):
        console.print(f"[bold]{name}[/bold]: {CASES[name].__doc__}")
        results += CASES[name](console.print)
    show(results)
    path = home_folder() / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    fresh = {r.case for r in results}
    entries = [e for e in kept if e["case"] not in fresh] + [{**r.as_json(), "machine": machine()} for r in results]
    path.write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
    console.print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

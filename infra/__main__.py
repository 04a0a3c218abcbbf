"""``python -m infra <command>``: the stack, the demonstration run and the benchmarks (运维命令)."""

from __future__ import annotations

import importlib
import importlib.util

import typer

from catalog.model.masked_output import secrets_hidden

COMMANDS = (
    "infra.stack.commands",
    "infra.demonstration.commands",
    "infra.run.command",
    "infra.advisories.commands",
)
"""Modules with a function ``register(app)`` that adds their commands; heavy imports belong inside the commands."""


def build_app() -> typer.Typer:
    """Return the command line with every command there is."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
    for name in COMMANDS:
        if _exists(name):
            importlib.import_module(name).register(app)
    return app


def _exists(name: str) -> bool:
    """Tell whether module ``name`` is part of this checkout, without running it."""
    parent, _, _ = name.rpartition(".")
    return importlib.util.find_spec(parent) is not None and importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    with secrets_hidden():
        build_app()()

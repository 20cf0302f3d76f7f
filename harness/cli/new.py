"""``harness new``: writes a template of a paper or a technique, with its test."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Any

import click

from model.errors import InputError


@click.group()
def new() -> None:
    """Write a minimal paper or technique into this folder, with its test, and print the next steps."""


def into_option(command: Any) -> Any:
    return click.option("--into", default=".", show_default=True, help="The folder.")(command)


@new.command()
@click.argument("name")
@into_option
def paper(name: str, into: str) -> None:
    """A paper: a file with a suite of two rows and a claim."""
    from harness.cli.templates import PAPER, PAPER_TEST

    module = module_name(name)
    written = write_files(into, module, {f"{module}.py": PAPER, f"test_{module}.py": PAPER_TEST})
    print_next_steps(
        written, f"harness list {written[0]}", f"harness run {written[0]} --seeds 3", "replace base, rows and claims"
    )


@new.command()
@click.argument("name")
@into_option
def technique(name: str, into: str) -> None:
    """A technique: a file with a regularizer. Other kinds are in model/interfaces/."""
    from harness.cli.templates import TECHNIQUE, TECHNIQUE_TEST

    module = module_name(name)
    written = write_files(into, module, {f"{module}.py": TECHNIQUE, f"test_{module}.py": TECHNIQUE_TEST})
    kind = class_name(module)
    print_next_steps(
        written,
        f"in a paper's file beside it: from {module} import {kind}, and a row with "
        f'Change("{module.replace("_", "-")}", "+ {module}", (("{module}", {kind}(weight=0.1)),))',
        "replace the penalty, and the value that the test expects",
    )


def module_name(name: str) -> str:
    """The name as a module's; ``InputError`` if it cannot be one."""
    word = name.lower().removesuffix(".py").replace("-", "_").replace(" ", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", word) or keyword.iskeyword(word):
        raise InputError(f"{name!r} is no name for a file of Python; take letters, digits and _, a letter first")
    return word


def class_name(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def write_files(into: str, word: str, files: dict[str, str]) -> list[Path]:
    """Write the files, none of which may exist. Raises ``InputError``."""
    folder = Path(into).expanduser()
    for name in files:
        if (folder / name).exists():
            raise InputError(f"{folder / name} is there already; choose another name, or move it away")
    names = {"NAME": word, "SLUG": word.replace("_", "-"), "CLASS": class_name(word)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, template in files.items():
            text = re.sub("NAME|SLUG|CLASS", lambda match: names[match[0]], template)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); name another with --into") from None
    return [folder / name for name in files]


def print_next_steps(written: list[Path], *steps: str) -> None:
    """Print the files, and what to do with them."""
    own, test = written
    click.echo(f"{own} and {test} are written. Next:")
    for step in (f"python -m pytest {test}", *steps):
        click.echo(f"  {step}")

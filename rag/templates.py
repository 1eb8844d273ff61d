"""Prompts are text files: those in `rag/prompts`, and files of the same names that a user's folder puts over them.

A file holds two Jinja templates, the system message above the first line that is `---` and the user message below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rag.errors import CitewellError

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "answer": frozenset({"question", "sentences", "fence"}),
    "condense": frozenset({"question", "history", "fence"}),
}
"""What each prompt must use, all of it and nothing else."""

SHIPPED = Path(__file__).parent / "prompts"
DIVIDER = "---"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A checked prompt: where it stands, the SHA-256 of its file, its two templates."""

    name: str
    file: Path
    sha256: str
    system: Any
    user: Any

    def render(self, **values: str) -> tuple[str, str]:
        """The system and the user message. Nothing in a value is taken for a template."""
        return self.system.render(values).strip(), self.user.render(values).strip()


def load_prompts(folder: Path | None = None) -> dict[str, Prompt]:
    """Every prompt by its name, from the folder where it holds one, or else the shipped one.

    Raises CitewellError, with file and line, for a file that is no prompt, cannot be read, is not a template, or lacks
    a placeholder or has an unknown one.
    """
    files = {name: SHIPPED / f"{name}.md" for name in PLACEHOLDERS}
    if folder:
        files |= {file.stem: file for file in _list_overlay(folder)}
    return {name: _load(name, file) for name, file in files.items()}


def _list_overlay(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise CitewellError(f"The prompts' folder '{folder}' does not exist. Correct CITEWELL_PROMPTS or unset it.")
    for file in sorted(folder.glob("*.md")):
        if file.stem not in PLACEHOLDERS:
            known = ", ".join(f"{name}.md" for name in PLACEHOLDERS)
            raise CitewellError(f"'{file}' is no prompt of Citewell; there are {known}. Rename or remove it.")
        yield file


def _load(name: str, file: Path) -> Prompt:
    try:
        data = file.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CitewellError(f"The prompt '{file}' cannot be read: {error}.") from error
    lines = text.splitlines()
    if DIVIDER not in lines:
        raise CitewellError(
            f"'{file}', line {len(lines)}: the file ends without a line '{DIVIDER}', which separates the system "
            "message from the user message."
        )
    place = lines.index(DIVIDER)
    system, user = "\n".join(lines[:place]), "\n".join(lines[place + 1 :])
    used = {**_find_placeholders(file, user, place + 1), **_find_placeholders(file, system, 0)}
    for placeholder, line in used.items():
        if placeholder not in PLACEHOLDERS[name]:
            known = ", ".join(sorted(PLACEHOLDERS[name]))
            raise CitewellError(
                f"'{file}', line {line}: the placeholder '{placeholder}' is unknown; there are {known}."
            )
    for placeholder in sorted(PLACEHOLDERS[name] - used.keys()):
        raise CitewellError(
            f"'{file}', line {len(lines)}: the file ends without the placeholder '{placeholder}'. Put "
            f"{{{{ {placeholder} }}}} where it belongs."
        )
    make = _environment().from_string
    return Prompt(name, file, hashlib.sha256(data).hexdigest(), make(system), make(user))


def _find_placeholders(file: Path, template: str, above: int) -> dict[str, int]:
    """The template's free names with the file's line of the first use; `above` are the lines before the template."""
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        tree = _environment().parse(template)
        free = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise CitewellError(f"'{file}', line {above + error.lineno}: {error.message}.") from error
    uses = [(name.lineno, name.name) for name in tree.find_all(nodes.Name) if name.name in free]
    return {name: above + line for line, name in sorted(uses, reverse=True)}


@cache
def _environment() -> Any:
    """A prompt may come from elsewhere: it is rendered in a sandbox, without the reach of Python."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # only where a language model is set

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)

"""Runs on disk: what was asked, with what set-up, and every answer with its scores; and how they are found again."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from eval.cases import Case
from eval.run import CaseResult
from eval.summary import Evaluation, summarise
from rag.config import Config
from rag.errors import CitewellError
from rag.generations import RUNS

FORMAT = 1
"""Of a run's folder."""

_NAME = re.compile(r"[\w][\w.-]{0,79}")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. `setup` is what determines its answers, with the cases' hash, the time and the git state."""

    name: str
    setup: Mapping[str, Any]
    results: tuple[CaseResult, ...]

    def summarise(self) -> Evaluation:
        return summarise(self.results)


def runs_folder(config: Config) -> Path:
    """Where runs lie: beside the index."""
    return config.index / RUNS


def default_name() -> str:
    """The UTC time, to the second."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"


def check_name(name: str) -> str:
    """The name. Raises CitewellError where it would not do as a folder's."""
    if not _NAME.fullmatch(name):
        raise CitewellError(f"A run cannot be called '{name}'. Use up to 80 letters, digits, '-', '_' and '.'.")
    return name


def save_run(folder: Path, run: Run) -> Path:
    """Writes the run into its own folder, over an earlier one of its name; returns that folder."""
    place = folder / check_name(run.name)
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / "run.json").unlink(missing_ok=True)  # written last: without it the folder is no run
        lines = [_adapter().dump_json(result) for result in run.results]
        (place / "results.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        evaluation = run.summarise()
        metrics = {"total": asdict(evaluation.total), "kinds": {k: asdict(s) for k, s in evaluation.kinds.items()}}
        _write_json(place / "metrics.json", metrics)
        _write_json(place / "run.json", {"format": FORMAT, "name": run.name, "setup": dict(run.setup)})
    except OSError as error:
        raise CitewellError(f"The run cannot be written to '{place}': {error.strerror}.") from error
    return place


def _write_json(file: Path, data: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_run(name: str, config: Config) -> Run:
    """The run of that name, or in that folder.

    Raises CitewellError where there is none, it is damaged, or a newer version wrote it.
    """
    place = Path(name) if (Path(name) / "run.json").is_file() else runs_folder(config) / name
    try:
        data = json.loads((place / "run.json").read_text(encoding="utf-8"))
        if data["format"] > FORMAT:
            raise CitewellError(
                f"A newer version of Citewell wrote the run in '{place}' (format {data['format']}, this one reads "
                f"{FORMAT}). Update Citewell, or run the cases again."
            )
        lines = (place / "results.jsonl").read_bytes().splitlines()
        return Run(data["name"], data["setup"], tuple(_adapter().validate_json(line) for line in lines))
    except FileNotFoundError:
        known = ", ".join(list_runs(config)) or "none yet: citewell eval run"
        raise CitewellError(f"There is no run '{name}' in '{runs_folder(config)}'. Runs: {known}.") from None
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise CitewellError(f"The run in '{place}' cannot be read ({type(error).__name__}). Run it again.") from error


def list_runs(config: Config) -> list[str]:
    """The names of the runs, the latest first."""
    files = sorted(runs_folder(config).glob("*/run.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.parent.name for file in files]


def hash_cases(cases: Iterable[Case]) -> str:
    """SHA-256 over the cases, whatever their order."""
    lines = sorted(json.dumps(asdict(case), sort_keys=True) for case in cases)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe_git() -> str:
    """The commit that the current folder is at, with "+" where files differ from it; "" outside of a repository."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


@cache
def _adapter() -> TypeAdapter[CaseResult]:
    return TypeAdapter(CaseResult)

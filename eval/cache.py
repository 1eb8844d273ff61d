"""Answers that were given before, by everything that determines them: a run that changes nothing takes seconds."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import rag
from eval.cases import Case, Place
from rag.articles import scan
from rag.config import Config
from rag.embed import load_embedder
from rag.model import MODEL_SHA256
from rag.schema import Answer
from rag.templates import load_prompts

PACKAGES = ("bm25s", "chromadb", "llama-index", "numpy", "sentence-transformers", "torch")

_IRRELEVANT = {"corpus", "index", "prompts", "lock_timeout", "cached_sentences", "cached_articles", "batch_size"}
"""Settings that change no answer, or that stand in the set-up by their contents."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer, the candidates that the reader got for it, best first, and the seconds it took."""

    answer: Answer
    candidates: tuple[Place, ...]
    seconds: float


class AnswerCache:
    """A folder with one file an answer, for one set-up."""

    def __init__(self, folder: Path, setup: Mapping[str, Any]) -> None:
        self._folder = folder
        self._setup = json.dumps(setup, sort_keys=True)

    def find(self, case: Case) -> Recorded | None:
        """The case's answer; None where there is none, or none that can be read."""
        try:
            return _recorded().validate_json(self._file(case).read_bytes())
        except (OSError, ValidationError):
            return None

    def keep(self, case: Case, recorded: Recorded) -> None:
        """Keeps the answer, unless a language model failed: it may not fail the next time."""
        if recorded.answer.usage.failures:
            return
        file = self._file(case)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_bytes(_recorded().dump_json(recorded))
        partial.replace(file)

    def _file(self, case: Case) -> Path:
        asked = json.dumps([case.question, [dict(message) for message in case.history]])
        key = hashlib.sha256(f"{self._setup}\n{asked}".encode()).hexdigest()
        return self._folder / key[:2] / f"{key[2:]}.json"


@cache
def _recorded() -> TypeAdapter[Recorded]:
    return TypeAdapter(Recorded)


def describe_setup(config: Config) -> dict[str, Any]:
    """Everything that determines an answer but the question, as plain values.

    The corpus by the hash of its files, the code, the models and the prompts by theirs, the settings, the versions.
    """
    settings = config.model_dump(mode="json", exclude=_IRRELEVANT)
    embedder = load_embedder(config.embedding, config.device)
    package = Path(rag.__file__).parent
    return {
        "corpus": hash_corpus(config.corpus),
        "code": _hash_files(package, sorted([*package.glob("*.py"), *package.glob("*.json")])),
        "embedding": embedder.fingerprint,
        "reader": MODEL_SHA256,
        "prompts": {name: prompt.sha256 for name, prompt in load_prompts(config.prompts).items()} if config.llm else {},
        "settings": settings,
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
    }


def hash_corpus(corpus: Path) -> str:
    """SHA-256 over the names and contents of the articles and the catalog."""
    return _hash_files(corpus, [corpus / state.source for state in scan(corpus)])


def _hash_files(root: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()

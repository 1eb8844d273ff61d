"""Whether everything that an answer needs is in place."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from rag.articles import read_articles
from rag.config import Config
from rag.embed import find_model, fingerprint_model, load_embedder
from rag.errors import CitewellError, ModelError
from rag.generations import current_generation
from rag.llm import load_language_model
from rag.model import MODEL_SHA256, load_reading_model
from rag.open_index import open_index
from rag.schema import Skipped
from rag.templates import load_prompts

FREE_BYTES = 500_000_000
"""Least free disk where the index lies."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, whether it is as it should be, and what to do where it is not."""

    passed: bool
    finding: str
    remedy: str = ""


def examine(config: Config) -> list[Check]:
    """Every check, in the order in which an answer needs them; none of them changes articles or index."""
    checks: list[Callable[[Config], Check]] = [
        _check_python,
        _check_packages,
        _check_weights,
        _check_reader,
        _check_language_model,
        _check_corpus,
        _check_index,
        _check_disk,
    ]
    return [check(config) for check in checks]


def _check_python(_: Config) -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check((3, 11) <= sys.version_info < (3, 14), f"Python {found}", "Use Python 3.11, 3.12 or 3.13.")


def _check_packages(_: Config) -> Check:
    try:
        needed = [Requirement(text) for text in requires("citewell") or ()]
    except PackageNotFoundError:
        return Check(False, "Citewell is not installed", "python -m pip install -e .")
    wrong = []
    for requirement in needed:
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    finding = (
        f"Packages: {'; '.join(wrong)}" if wrong else f"Packages: Citewell {version('citewell')} and what it needs"
    )
    return Check(not wrong, finding, "python -m pip install -e .")


def _check_weights(config: Config) -> Check:
    try:
        fingerprint = fingerprint_model(config.embedding, find_model(config.embedding))
        load_embedder(config.embedding, config.device)
    except CitewellError as error:
        return Check(False, f"Model {config.embedding}", str(error))
    return Check(True, f"Model {config.embedding}, {fingerprint[:19]}…")


def _check_reader(config: Config) -> Check:
    try:
        load_reading_model(config.device)
    except CitewellError as error:
        return Check(False, "Model of the reader", str(error))
    return Check(True, f"Model of the reader, sha256:{MODEL_SHA256[:12]}…")


def _check_language_model(config: Config) -> Check:
    """Whether it could be asked; it is not."""
    try:
        prompts = load_prompts(config.prompts)
        model = load_language_model(config)
    except CitewellError as error:
        return Check(False, "Language model", str(error))
    if not model:
        return Check(True, "Language model: none, quotes alone answer")
    hashes = ", ".join(f"{name} {prompt.sha256[:12]}" for name, prompt in prompts.items())
    return Check(True, f"Language model {model.name}, prompts {hashes}")


def _check_corpus(config: Config) -> Check:
    try:
        items = list(read_articles(config.corpus, config.max_file_bytes, config.index))
    except CitewellError as error:
        return Check(False, f"Corpus '{config.corpus}'", str(error))
    skipped = [item for item in items if isinstance(item, Skipped)]
    finding = f"Corpus '{config.corpus}': {len(items) - len(skipped)} articles"
    if skipped:
        finding += "; skipped " + ", ".join(f"{item.source} ({item.reason})" for item in skipped)
    return Check(
        len(items) > len(skipped),
        finding,
        "Put .txt, .md or other articles into the folder, or name another: --corpus.",
    )


def _check_index(config: Config) -> Check:
    try:
        if current_generation(config.index) is None:
            return Check(True, f"Index '{config.index}': not made yet; the first question makes it")
        index = open_index(config, load_embedder(config.embedding, config.device))
    except ModelError:
        return Check(False, f"Index '{config.index}' cannot be opened without the model", "Put the model right first.")
    except CitewellError as error:
        return Check(False, f"Index '{config.index}'", str(error))
    assert index is not None
    index.close()
    manifest = index.manifest
    return Check(True, f"Index '{config.index}': {len(manifest.files)} articles, {manifest.sentences} sentences")


def _check_disk(config: Config) -> Check:
    index = config.index.absolute()
    folder = next(path for path in (index, *index.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    remedy = f"Make room for at least {FREE_BYTES / 1e9:.1f} GB, or put the index elsewhere: --index."
    return Check(free >= FREE_BYTES, f"Free disk at '{config.index}': {free / 1e9:,.1f} GB", remedy)

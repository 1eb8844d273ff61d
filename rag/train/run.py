"""A training run, from the questions to the model's file."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rag.config import DEFAULT_EMBEDDING
from rag.embed import file_sha256, load_embedder
from rag.model import ReadingModel, has_bfloat16
from rag.network import load_network, make_network, save_network
from rag.train.examples import Pool
from rag.train.loop import Settings, train
from rag.train.lora import add_lora, merge_lora
from rag.train.measure import measure_model
from rag.train.mining import Embed, mine_passages
from rag.train.near_misses import make_vocabulary
from rag.train.questions import Question, Questions

Report = Callable[[str], None]


def train_model(
    questions: Questions, settings: Settings, folder: Path, device: str, report: Report, start: Path | None = None
) -> ReadingModel:
    """The trained model, trained on from the file `start` where there is one.

    The folder keeps what a run needs that goes on: the checkpoint, the mined negatives, the answers marked. Raises
    CitewellError where it holds the checkpoint of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    pool = make_pool(questions.train, settings, folder, device, report)
    base = load_embedder(DEFAULT_EMBEDDING, device).model
    # Without dropout of its own, plain attention trains twice as fast on a CPU as the fused one.
    network = make_network(base[0].auto_model, "eager" if device == "cpu" else "sdpa", settings.dropout)
    if start:
        load_network(network, start)
    if settings.layers:
        network.freeze_lower(settings.layers)
    if settings.lora:
        add_lora(network, settings.lora)
    model = ReadingModel(network, copy.deepcopy(base.tokenizer), device)

    def measure(now: ReadingModel) -> str:
        return f"dev {measure_model(now, questions.dev)}"

    train(model, pool, settings, folder, report, measure)
    if settings.lora:
        merge_lora(network)
    return model


def save_model(model: ReadingModel, questions: Questions, settings: Settings, file: Path, report: Report) -> None:
    """Writes the model with its settings and figures in the header, and reports the figures and the file's hash."""
    figures = {
        "squad2_test": str(measure_model(model, questions.test)),
        "xquad": str(measure_model(model, questions.xquad)),
        "newsroom": str(measure_model(model, questions.newsroom)),
        "rivals": str(measure_model(model, questions.rivals)),
    }
    save_network(model.network, file, {**asdict(settings), **figures})
    for name, value in figures.items():
        report(f"{name}: {value}")
    report(f"{file}: {file.stat().st_size / 1e6:.1f} MB, SHA-256 {file_sha256(file)}")


def make_pool(questions: tuple[Question, ...], settings: Settings, folder: Path, device: str, report: Report) -> Pool:
    """The questions with their mined negatives and vocabulary, less what the settings leave out."""
    embed = make_embed(device)
    vocabulary = make_vocabulary(questions, embed)
    report(f"{len(vocabulary.names):,} names, {len(vocabulary.alike):,} words with others that are alike")
    mined = (
        _mine_once(folder / "mined.json", questions, embed)
        if "mined" not in settings.without
        else [()] * len(questions)
    )
    report(f"{sum(map(len, mined)) / len(mined):.1f} hard negatives a question")
    return Pool(
        questions,
        mined,
        vocabulary,
        without=frozenset(settings.without),
        near_misses="near-misses" not in settings.without,
        mined_negatives="mined" not in settings.without,
        replay=settings.replay,
    )


def _mine_once(file: Path, questions: Sequence[Question], embed: Embed) -> list[tuple[int, ...]]:
    """The mined negatives, from the file where an earlier start has left them there for the same questions."""
    digest = hashlib.sha256("\n".join(q.text for q in questions).encode()).hexdigest()
    if file.is_file() and (kept := json.loads(file.read_text()))["questions"] == digest:
        return [tuple(row) for row in kept["mined"]]
    mined = mine_passages(questions, embed)
    file.write_text(json.dumps({"questions": digest, "mined": mined}))
    return mined


def make_embed(device: str) -> Embed:
    """A function that gives texts' vectors (texts, dimensions), of length 1."""
    model = load_embedder(DEFAULT_EMBEDDING, device).model

    def embed(texts: list[str]) -> NDArray[np.float32]:
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
            vectors = model.encode(
                texts, batch_size=64, normalize_embeddings=True, show_progress_bar=len(texts) > 5_000
            )
        return np.asarray(vectors, np.float32)

    return embed

"""`python -m rag.train --data FOLDER`: makes the reader's model from public question sets."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rag.config import DEFAULT_EMBEDDING
from rag.embed import file_sha256, load_embedder
from rag.errors import CitewellError
from rag.model import ReadingModel
from rag.network import ReaderNetwork, make_network, save_network
from rag.train.examples import Pool
from rag.train.loop import Settings, train
from rag.train.lora import add_lora, merge_lora
from rag.train.measure import measure_model
from rag.train.mining import Embed, mine_passages
from rag.train.near_misses import make_vocabulary
from rag.train.questions import SOURCES, Question, Questions, load_questions

_DEFAULT = Settings()
_STARTED = time.monotonic()


def main() -> None:
    """Trains, then writes reader.safetensors into the output folder and prints its figures and hash."""
    try:
        _make_model(_parse())
    except CitewellError as error:
        sys.exit(str(error))


def _make_model(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        seed=options.seed,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        without=tuple(options.without),
        lora=options.lora,
    )
    questions = load_questions(options.data)
    report(f"{len(questions.train):,} questions to train on, {len(questions.dev):,} for dev figures")
    pool = _make_pool(options, questions.train)
    base = load_embedder(DEFAULT_EMBEDDING, options.device).model
    # Without dropout, plain attention trains twice as fast on a CPU as the fused one.
    network = make_network(base[0].auto_model, attention="eager" if options.device == "cpu" else "sdpa").to(
        options.device
    )
    if options.lora:
        add_lora(network, options.lora)
    tokenizer = copy.deepcopy(base.tokenizer)
    model = ReadingModel(network, tokenizer, options.device)

    def measure() -> str:
        return f"dev {measure_model(model, questions.dev)}"

    train(network, tokenizer, pool, settings, options.out, options.device, report, measure)
    if options.lora:
        merge_lora(network)
    _finish(network, model, settings, options.out, questions)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rag.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the question sets")
    parser.add_argument(
        "--out", type=Path, default=Path("reader-model"), help="checkpoint and model; goes on from there"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed)
    parser.add_argument("--epochs", type=float, default=_DEFAULT.epochs)
    parser.add_argument("--learning-rate", type=float, default=_DEFAULT.learning_rate)
    parser.add_argument("--lora", type=int, default=0, metavar="RANK", help="train low-rank updates only (needs peft)")
    parser.add_argument("--without", nargs="*", default=[], choices=[*SOURCES, "near-misses", "mined"])
    return parser.parse_args()


def report(line: str) -> None:
    """Prints a line of progress with the minutes since the start."""
    print(f"{(time.monotonic() - _STARTED) / 60:6.1f} min  {line}", flush=True)


def _make_pool(options: argparse.Namespace, questions: tuple[Question, ...]) -> Pool:
    embed = _make_embed(options.device)
    vocabulary = make_vocabulary(questions, embed)
    report(f"{len(vocabulary.names):,} names, {len(vocabulary.alike):,} words with others that are alike")
    mined = _mine_once(options.out / "mined.json", questions, embed)
    report(f"{sum(map(len, mined)) / len(mined):.1f} hard negatives a question")
    return Pool(
        questions,
        mined,
        vocabulary,
        without=frozenset(options.without),
        near_misses="near-misses" not in options.without,
        mined_negatives="mined" not in options.without,
    )


def _mine_once(file: Path, questions: Sequence[Question], embed: Embed) -> list[tuple[int, ...]]:
    """The mined negatives, from the file where an earlier start has left them there for the same questions."""
    digest = hashlib.sha256("\n".join(q.text for q in questions).encode()).hexdigest()
    if file.is_file() and (kept := json.loads(file.read_text()))["questions"] == digest:
        return [tuple(row) for row in kept["mined"]]
    mined = mine_passages(questions, embed)
    file.write_text(json.dumps({"questions": digest, "mined": mined}))
    return mined


def _make_embed(device: str) -> Embed:
    model = load_embedder(DEFAULT_EMBEDDING, device).model

    def embed(texts: list[str]) -> NDArray[np.float32]:
        with torch.autocast(device, torch.bfloat16):
            vectors = model.encode(
                texts, batch_size=64, normalize_embeddings=True, show_progress_bar=len(texts) > 5_000
            )
        return np.asarray(vectors, np.float32)

    return embed


def _finish(
    network: ReaderNetwork,
    model: ReadingModel,
    settings: Settings,
    folder: Path,
    questions: Questions,
) -> None:
    network.eval()
    figures = {
        "squad2_test": str(measure_model(model, questions.test)),
        "xquad": str(measure_model(model, questions.xquad)),
    }
    file = folder / "reader.safetensors"
    save_network(network, file, {**asdict(settings), **figures})
    for name, value in figures.items():
        report(f"{name}: {value}")
    report(f"{file}: {file.stat().st_size / 1e6:.1f} MB, SHA-256 {file_sha256(file)}")


if __name__ == "__main__":
    main()

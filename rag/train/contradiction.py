"""`python -m rag.train.contradiction`: makes the model that tells which sentences contradict each other."""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional

from rag.config import DEFAULT_EMBEDDING
from rag.embed import file_sha256, load_embedder
from rag.model import MODEL_FILE
from rag.network import collate, load_network, make_network
from rag.train.__main__ import report
from rag.train.mining import Embed
from rag.train.pair_network import (
    AGREE,
    CONTRADICT,
    UNRELATED,
    PairNetwork,
    hash_shared,
    load_pair_network,
    make_pair_network,
    save_pair_network,
)
from rag.train.questions import load_newsroom
from rag.train.run import make_embed
from rag.windows import Window, encode_windows

Floats = NDArray[np.float32]

SETS = Path(__file__).with_name("contradictions.jsonl.gz")

UNKNOWN = -100
"""What PyTorch's cross entropy leaves out."""

KEEP, KEEP_OF_ARTICLE = 0.7, 0.4
"""How likely a sentence of a set, or of an article, is read in an epoch."""

ONE_SIDED = 0.3
"""Share of the sets that are read in an epoch without the sentences that contradict."""

NEIGHBOURS, STRANGERS = 16, 6
"""Nearest sentences of other sets and articles that a question has, and the most of them that are read beside its own.
"""

MOST_READ = 8
"""Sentences of a window."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and what it is to its set's question.

    `role` is "base", "agree" (the same answer), "conflict" (another one; there are two), "other" (seems to be another
    one, of something else), "miss" (no answer) or "stranger" (of another set, or of an article that is consistent).
    """

    text: str
    role: str


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """A question with a set's sentences; `same` tells whether the two of role "conflict" agree with each other.

    `origin` is the same for all questions about one article; `neighbours` are sentences of others, one an origin.
    """

    question: str
    sentences: tuple[Sentence, ...]
    same: bool
    origin: str
    neighbours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made with; the head learns at `head_rate` times the learning rate.

    `articles` is how many questions with sentences of a single article are drawn an epoch for each set.
    """

    seed: int = 0
    epochs: int = 10
    sets: int = 16
    articles: float = 1.0
    learning_rate: float = 1.5e-4
    head_rate: float = 3.0
    warm_up: float = 0.06
    least_rate: float = 0.02
    dropout: float = 0.1
    weight_decay: float = 0.01


def main() -> None:
    """Trains on the sets of part "train", then writes contradiction.safetensors and prints its figure and hash."""
    options = _parse()
    settings = Settings(
        seed=options.seed,
        epochs=options.epochs,
        articles=options.articles,
        learning_rate=options.learning_rate,
        head_rate=options.head_rate,
    )
    train, test = load_sets("train"), load_sets("test")
    base = load_embedder(DEFAULT_EMBEDDING, "cpu").model
    reader = make_network(base[0].auto_model, "eager", settings.dropout)
    load_network(reader, options.start)
    torch.manual_seed(settings.seed)
    network = make_pair_network(reader, settings.dropout)
    if options.go_on:
        load_pair_network(network, options.go_on)
    tokenizer = copy.deepcopy(base.tokenizer)
    articles = load_articles("train")
    report(f"{len(train):,} sets, {len(articles):,} questions about articles")
    read = add_neighbours([*train, *articles], make_embed("cpu"))
    train_network(network, tokenizer, read[: len(train)], read[len(train) :], settings, report)
    figure = measure(network, tokenizer, test)
    report(f"AUROC of {len(test)} held-back sets: {figure:.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "contradiction.safetensors"
    about = {"start": file_sha256(options.start), "lower": hash_shared(reader), "auroc": round(figure, 3)}
    save_pair_network(network, file, asdict(settings) | about)
    report(f"{file}: {file.stat().st_size / 1e6:.1f} MB, SHA-256 {file_sha256(file)}")


def _parse() -> argparse.Namespace:
    settings = Settings()
    parser = argparse.ArgumentParser(prog="python -m rag.train.contradiction", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("contradiction-model"), help="folder for the model")
    parser.add_argument("--start", type=Path, default=MODEL_FILE, help="reader.safetensors that it builds on")
    parser.add_argument("--go-on", type=Path, metavar="FILE", help="contradiction.safetensors to train on from")
    parser.add_argument("--seed", type=int, default=settings.seed)
    parser.add_argument("--epochs", type=int, default=settings.epochs)
    parser.add_argument("--articles", type=float, default=settings.articles)
    parser.add_argument("--learning-rate", type=float, default=settings.learning_rate)
    parser.add_argument("--head-rate", type=float, default=settings.head_rate)
    return parser.parse_args()


def load_sets(part: str) -> list[SentenceSet]:
    """The sets of one part, "train" or "test", in the file's order."""
    with gzip.open(SETS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [_read(row) for row in rows if row["part"] == part]


def _read(row: dict[str, Any]) -> SentenceSet:
    sentences = (
        Sentence(row["base"], "base"),
        *(Sentence(text, role) for role in ("conflict", "agree", "other", "miss") for text in row[role]),
    )
    return SentenceSet(row["question"], sentences, row["same"], row["base"])


def load_articles(part: str) -> list[SentenceSet]:
    """Our own questions with the sentences of their article, none of which contradicts another."""
    return [
        SentenceSet(q.text, tuple(Sentence(text, "stranger") for text in q.sentences), same=False, origin=q.title)
        for q in load_newsroom(part)
        if len(q.sentences) > 1
    ]


def add_neighbours(sets: Sequence[SentenceSet], embed: Embed) -> list[SentenceSet]:
    """The sets, each with the sentences of other sets and articles that are nearest to its question by cosine.

    A window of sentences that are found for a question is what the model reads in use.
    """
    pool = dict.fromkeys((sentence.text, one.origin) for one in sets for sentence in one.sentences)
    texts, origins = [text for text, _ in pool], [origin for _, origin in pool]
    vectors, questions = embed(texts), embed([one.question for one in sets])
    return [
        replace(one, neighbours=_find_neighbours(vectors @ question, texts, origins, one.origin))
        for one, question in zip(sets, questions, strict=True)
    ]


def _find_neighbours(cosines: Floats, texts: Sequence[str], origins: Sequence[str], own: str) -> tuple[str, ...]:
    """The nearest sentence of each of the nearest origins but its own."""
    found: dict[str, str] = {}
    for place in np.argsort(-cosines):
        if len(found) == NEIGHBOURS:
            break
        if origins[place] != own:
            found.setdefault(origins[place], texts[place])
    return tuple(found.values())


def relation(one: Sentence, other: Sentence, *, same: bool) -> int:
    """What two sentences of a window are to each other; `UNKNOWN` for two that only seem to be other answers."""
    roles = {one.role, other.role}
    if roles <= {"base", "agree"}:
        return AGREE
    if roles == {"conflict"}:
        return AGREE if same else CONTRADICT
    if roles == {"other"}:
        return UNKNOWN
    return CONTRADICT if "conflict" in roles and roles & {"base", "agree"} else UNRELATED


def train_network(
    network: PairNetwork,
    tokenizer: Any,
    sets: Sequence[SentenceSet],
    articles: Sequence[SentenceSet],
    settings: Settings,
    report: Callable[[str], None],
) -> None:
    """Trains the network's own layers and its head in place, with a learning rate that falls linearly."""
    draw = random.Random(settings.seed)
    beside = min(len(articles), round(settings.articles * len(sets)))
    steps = settings.epochs * -(-(len(sets) + beside) // settings.sets)
    optimizer = _make_optimizer(network, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / (settings.warm_up * steps + 1), max(settings.least_rate, 1 - step / steps)),
    )
    network.train()
    for epoch in range(settings.epochs):
        losses = []
        for windows, same in _draw_epoch([*sets, *draw.sample(articles, beside)], settings.sets, draw):
            batch = collate(encode_windows(tokenizer, [_make_window(*window) for window in windows]))
            wanted = _make_targets([sentences for _, sentences in windows], same)
            loss = functional.cross_entropy(network(batch).flatten(0, 2), wanted.flatten(), ignore_index=UNKNOWN)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            losses.append(float(loss.detach()))
        report(f"epoch {epoch + 1}/{settings.epochs}  loss {np.mean(losses):.3f}")
    network.eval()


def _make_optimizer(network: PairNetwork, settings: Settings) -> torch.optim.Optimizer:
    own = network.own().keys()
    named = dict(network.named_parameters())
    for name, parameter in named.items():
        parameter.requires_grad_(name in own)
    layers = [named[name] for name in own if name.startswith("encoder.")]
    head = [named[name] for name in own if not name.startswith("encoder.")]
    rates = [
        {"params": layers, "lr": settings.learning_rate},
        {"params": head, "lr": settings.head_rate * settings.learning_rate},
    ]
    return torch.optim.AdamW(rates, weight_decay=settings.weight_decay)


Drawn = tuple[str, tuple[Sentence, ...]]


def _draw_epoch(sets: Sequence[SentenceSet], size: int, draw: random.Random) -> list[tuple[list[Drawn], list[bool]]]:
    """Batches of windows of like length, in any order: of each set some sentences, and some of others, shuffled."""
    drawn = [(one.question, _draw_sentences(one, draw)) for one in sets]
    lengths = [sum(len(sentence.text) for sentence in sentences) for _, sentences in drawn]
    order = sorted(range(len(sets)), key=lambda place: lengths[place])
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    draw.shuffle(batches)
    return [([drawn[place] for place in rows], [sets[place].same for place in rows]) for rows in batches]


def _draw_sentences(own: SentenceSet, draw: random.Random) -> tuple[Sentence, ...]:
    """Some of a set's or an article's sentences, and some of its neighbours, in any order."""
    is_set = any(sentence.role == "base" for sentence in own.sentences)
    one_sided = is_set and draw.random() < ONE_SIDED
    offered = [sentence for sentence in own.sentences if not (one_sided and sentence.role == "conflict")]
    kept = [sentence for sentence in offered if draw.random() < (KEEP if is_set else KEEP_OF_ARTICLE)]
    strangers = draw.sample(own.neighbours, min(draw.randint(0 if kept else 2, STRANGERS), len(own.neighbours)))
    kept += [Sentence(text, "stranger") for text in strangers]
    draw.shuffle(kept)
    return tuple(kept[:MOST_READ] if len(kept) > 1 else offered[:2])


def _make_window(question: str, sentences: Sequence[Sentence]) -> Window:
    return Window(question, "", tuple(sentence.text for sentence in sentences))


def _make_targets(windows: Sequence[Sequence[Sentence]], same: Sequence[bool]) -> Tensor:
    """Relations (windows, sentences, sentences), each pair once."""
    most = max(map(len, windows))
    wanted = torch.full((len(windows), most, most), UNKNOWN)
    for row, sentences in enumerate(windows):
        for place, one in enumerate(sentences):
            for before, other in enumerate(sentences[:place]):
                wanted[row, place, before] = relation(one, other, same=same[row])
    return wanted


def compare(network: PairNetwork, tokenizer: Any, question: str, sentences: Sequence[str]) -> Floats:
    """Log-odds (sentences, sentences) that two of the sentences answer the question differently."""
    windows = encode_windows(tokenizer, [Window(question, "", tuple(sentences))])
    with torch.inference_mode():
        logits = network(collate(windows))[0].numpy()
    odds: Floats = logits[..., CONTRADICT] - np.logaddexp(logits[..., UNRELATED], logits[..., AGREE])
    return odds


def measure(network: PairNetwork, tokenizer: Any, sets: Sequence[SentenceSet]) -> float:
    """Area under the ROC curve of the log-odds, of all sets' pairs that contradict each other against the others."""
    odds, wanted = [], []
    for number, one in enumerate(sets):
        sentences = random.Random(number).sample(one.sentences, len(one.sentences))
        compared = compare(network, tokenizer, one.question, [sentence.text for sentence in sentences])
        for place, first in enumerate(sentences):
            for before, other in enumerate(sentences[:place]):
                known = relation(first, other, same=one.same)
                if known != UNKNOWN:
                    odds.append(float(compared[place, before]))
                    wanted.append(known == CONTRADICT)
    return float(roc_auc_score(wanted, odds))


if __name__ == "__main__":
    main()

"""`python -m rag.train.contradiction`: makes the model that tells which sentences contradict each other."""

from __future__ import annotations

import argparse
import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
from rag.network import collate, load_network, make_network, save_network
from rag.train.__main__ import report
from rag.train.pair_network import AGREE, CONTRADICT, UNRELATED, PairNetwork, hash_shared, make_pair_network
from rag.train.run import make_embed
from rag.train.sentence_sets import (
    UNKNOWN,
    SentenceSet,
    SetSentence,
    add_neighbours,
    draw_epoch,
    load_articles,
    load_sets,
    relation,
)
from rag.windows import Window, encode_windows

Floats = NDArray[np.float32]


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
        load_network(network, options.go_on)
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
    save_network(network, file, asdict(settings) | about)
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
        for windows, same in draw_epoch([*sets, *draw.sample(articles, beside)], settings.sets, draw):
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
    own = network.trained().keys()
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


def _make_window(question: str, sentences: Sequence[SetSentence]) -> Window:
    return Window(question, "", tuple(sentence.text for sentence in sentences))


def _make_targets(windows: Sequence[Sequence[SetSentence]], same: Sequence[bool]) -> Tensor:
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

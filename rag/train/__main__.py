"""`python -m rag.train --data FOLDER`: makes the reader's model from public question sets."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from rag.embed import file_sha256
from rag.errors import CitewellError
from rag.train.loop import Settings
from rag.train.questions import OWN, SOURCES, load_questions
from rag.train.run import save_model, train_model

_DEFAULT = Settings()
_STARTED = time.monotonic()


def main() -> None:
    """Trains, then writes reader.safetensors into the output folder and prints its figures and hash."""
    options = _parse()
    settings = Settings(
        seed=options.seed,
        epochs=options.epochs,
        steps=options.steps,
        learning_rate=options.learning_rate,
        without=tuple(options.without),
        lora=options.lora,
        layers=options.layers,
        start=file_sha256(options.start) if options.start else "",
        replay=options.replay,
    )
    try:
        questions = load_questions(options.data)
        report(f"{len(questions.train):,} questions to train on, {len(questions.dev):,} for dev figures")
        model = train_model(questions, settings, options.out, options.device, report, options.start)
        save_model(model, questions, settings, options.out / "reader.safetensors", report)
    except CitewellError as error:
        sys.exit(str(error))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rag.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the question sets")
    parser.add_argument(
        "--out", type=Path, default=Path("reader-model"), help="checkpoint and model; goes on from there"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed)
    parser.add_argument("--epochs", type=float, default=_DEFAULT.epochs)
    parser.add_argument("--steps", type=int, default=0, help="as many steps instead of epochs")
    parser.add_argument("--learning-rate", type=float, default=_DEFAULT.learning_rate)
    parser.add_argument("--lora", type=int, default=0, metavar="RANK", help="train low-rank updates only (needs peft)")
    parser.add_argument("--layers", type=int, default=0, metavar="N", help="train the encoder's last N layers only")
    parser.add_argument("--start", type=Path, help="reader.safetensors to train on from; the base model otherwise")
    parser.add_argument("--replay", type=float, default=_DEFAULT.replay, help="share of the public sets that is drawn")
    parser.add_argument("--without", nargs="*", default=[], choices=[*SOURCES, *OWN, "near-misses", "mined", "marked"])
    return parser.parse_args()


def report(line: str) -> None:
    """Prints a line of progress with the minutes since the start."""
    print(f"{(time.monotonic() - _STARTED) / 60:6.1f} min  {line}", flush=True)


if __name__ == "__main__":
    main()

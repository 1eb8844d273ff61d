"""The training loop: seeded, with checkpoints that it resumes from, and dev figures as it goes."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rag.errors import CitewellError
from rag.model import batch_by_length
from rag.network import Batch, ReaderNetwork, collate
from rag.train.examples import Example, Pool, draw_epoch
from rag.windows import EncodedWindow, encode_windows

CHUNK = 4_096
"""Examples that are sorted by length together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made with; `pieces` is the batch's size in word pieces, padding included.

    `without` names what the ablation leaves out, `lora` is the rank of low-rank updates, 0 for whole layers.
    """

    seed: int = 0
    epochs: float = 2.0
    learning_rate: float = 1.5e-4
    warm_up: float = 0.06
    weight_decay: float = 0.01
    pieces: int = 4_096
    span_weight: float = 0.5
    binary_weight: float = 0.5
    checkpoint_minutes: float = 5.0
    dev_steps: int = 1_000
    without: tuple[str, ...] = ()
    lora: int = 0


@dataclass(frozen=True, slots=True)
class Targets:
    """What is right about a batch: sentences (windows, sentences), starts and ends (windows, spans) of answers.

    Unused places of `starts` and `ends` are -1; rows of only -1 have an answer whose words nobody marked.
    """

    positive: Tensor
    starts: Tensor
    ends: Tensor


def train(
    network: ReaderNetwork,
    tokenizer: Any,
    pool: Pool,
    settings: Settings,
    folder: Path,
    device: str,
    report: Callable[[str], None],
    measure: Callable[[], str],
) -> None:
    """Trains in place; `folder` keeps the checkpoint, which a later call with the same settings goes on from."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    total = count_steps(tokenizer, pool, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total, settings.warm_up))
    done = _resume(folder, settings, network, optimizer, schedule)
    report(f"{total:,} steps, from step {done:,}")
    network.train()
    started = saved = time.monotonic()
    losses: list[float] = []
    for step, (batch, targets) in enumerate(draw_batches(tokenizer, pool, settings)):
        if step >= total:
            break
        if step < done:
            continue
        with torch.autocast(device, torch.bfloat16):
            scores, spans = network(batch.to(device))
        loss = find_loss(scores, spans, targets, settings)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            rate = (step + 1 - done) / (time.monotonic() - started)
            left = (total - step - 1) / rate / 60
            loss_now = sum(losses[-100:]) / 100
            report(f"step {step + 1:,}/{total:,}  loss {loss_now:.3f}  {rate:.2f} steps/s  {left:.0f} min left")
        if time.monotonic() - saved > 60 * settings.checkpoint_minutes or step + 1 == total:
            _save(folder, settings, network, optimizer, schedule, step + 1)
            saved = time.monotonic()
        if (step + 1) % settings.dev_steps == 0 or step + 1 == total:
            network.eval()
            report(measure())
            network.train()


def find_loss(scores: Tensor, spans: Tensor, targets: Targets, settings: Settings) -> Tensor:
    """Cross entropy over the window's sentences and "none answers", of each sentence alone, and over answer spans.

    A sentence's own loss gives a second right sentence its due; the span's log-likelihood sums over all marked ones.
    """
    exists = torch.isfinite(scores)
    right = targets.positive & exists
    none = torch.zeros_like(scores[:, :1])
    logits = torch.cat([none, scores], dim=1)
    wanted = torch.cat([~right.any(1, keepdim=True), right], dim=1)
    choice = -(logits.masked_fill(~wanted, -torch.inf).logsumexp(1) - logits.logsumexp(1)).mean()
    alone = functional.binary_cross_entropy_with_logits(scores[exists], right[exists].float())
    return choice + settings.binary_weight * alone * 2 + settings.span_weight * _span_loss(spans, targets)


def _span_loss(spans: Tensor, targets: Targets) -> Tensor:
    marked = targets.starts >= 0
    known = marked.any(1)
    if not bool(known.any()):
        return spans.new_zeros(())
    logs = spans[known].log_softmax(1)
    starts, ends = targets.starts[known].clamp(min=0), targets.ends[known].clamp(min=0)
    joint = logs[..., 0].gather(1, starts) + logs[..., 1].gather(1, ends)
    return -joint.masked_fill(~marked[known], -torch.inf).logsumexp(1).mean()


def count_steps(tokenizer: Any, pool: Pool, settings: Settings) -> int:
    """Steps of the whole run, from the size of the first epoch's first batches."""
    examples = list(draw_epoch(pool, settings.seed * 1_000))
    probe = examples[:: max(1, len(examples) // 2_000)]
    pieces = sum(len(window) for window in encode_windows(tokenizer, [e.window for e in probe])) / len(probe)
    return math.ceil(settings.epochs * len(examples) * pieces * 1.03 / settings.pieces)


def draw_batches(tokenizer: Any, pool: Pool, settings: Settings) -> Iterator[tuple[Batch, Targets]]:
    """Batches without end, the same for the same seed."""
    epoch = 0
    while True:
        seed = settings.seed * 1_000 + epoch
        draw = random.Random(seed)
        examples = draw_epoch(pool, seed)
        while chunk := [example for _, example in zip(range(CHUNK), examples, strict=False)]:
            encoded = encode_windows(tokenizer, [example.window for example in chunk])
            batches = batch_by_length([len(window) for window in encoded], settings.pieces)
            draw.shuffle(batches)
            for rows in batches:
                windows = [encoded[row] for row in rows]
                yield collate(windows), make_targets([chunk[row] for row in rows], windows)
        epoch += 1


def make_targets(examples: Sequence[Example], windows: Sequence[EncodedWindow]) -> Targets:
    """The examples' right sentences and spans, as places of the encoded windows."""
    positive = torch.zeros(len(windows), max(len(window.ends) for window in windows), dtype=torch.bool)
    places: list[list[tuple[int, int]]] = []
    for row, (example, window) in enumerate(zip(examples, windows, strict=True)):
        positive[row, list(example.positive)] = True
        found = [place for span in example.spans if (place := find_pieces(window, *span))]
        places.append(found if example.positive else [(0, 0)])
    most = max(1, *(len(found) for found in places))
    starts, ends = (
        torch.tensor([[*(place[side] for place in found), *[-1] * (most - len(found))] for found in places])
        for side in (0, 1)
    )
    return Targets(positive, starts, ends)


def find_pieces(window: EncodedWindow, sentence: int, start: int, end: int) -> tuple[int, int] | None:
    """First and last piece of the characters of one sentence; None where they were cut off."""
    inside = (window.sentence == sentence) & (window.spans[:, 0] < end) & (window.spans[:, 1] > start)
    pieces = inside.nonzero()[0]
    return (int(pieces[0]), int(pieces[-1])) if len(pieces) and window.spans[pieces[-1], 1] >= end else None


def _rate(step: int, total: int, warm_up: float) -> float:
    """Linear up over the warm-up's share of the steps, then linear down to 0."""
    rise = max(1, round(warm_up * total))
    return min((step + 1) / rise, max(0.0, (total - step) / max(1, total - rise)))


def _save(folder: Path, settings: Settings, network: Any, optimizer: Any, schedule: Any, step: int) -> None:
    state = {
        "settings": asdict(settings),
        "network": network.trained(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "step": step,
    }
    torch.save(state, folder / "checkpoint.new")
    os.replace(folder / "checkpoint.new", folder / "checkpoint.pt")


def _resume(folder: Path, settings: Settings, network: Any, optimizer: Any, schedule: Any) -> int:
    file = folder / "checkpoint.pt"
    if not file.is_file():
        return 0
    state = torch.load(file, map_location="cpu", weights_only=True)
    if state["settings"] != asdict(settings):
        raise CitewellError(f"'{file}' was made with other settings. Name another --out, or remove it.")
    network.load_state_dict(state["network"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])

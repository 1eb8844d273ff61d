"""The training loop: seeded, with checkpoints that it resumes from, and dev figures as it goes."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_swa_multi_avg_fn

from rag.errors import CitewellError
from rag.model import ReadingModel, has_bfloat16
from rag.network import LONGEST_SPAN, Batch, ReaderNetwork, collate
from rag.train.examples import Example, Pool, Spans, draw_epoch
from rag.train.marking import mark_spans
from rag.train.questions import Question
from rag.windows import EncodedWindow, encode_windows

CHUNK = 2_000
"""Questions that are sorted by length together, so that little of a batch is padding."""

AVERAGED_STEPS = 10
"""Steps from one set of weights to the next that the mean takes in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made with; `pieces` is the batch's size in word pieces, padding included.

    `steps`, where not 0, stand for the epochs. The learning rate falls to the share `least_rate`; the weights are the
    mean of those since the share `average_from` of the steps (Izmailov et al., 2018, "Averaging weights leads to wider
    optima and better generalization"). `without` names what the ablation leaves out; `lora` is the rank of low-rank
    updates, 0 for whole layers; `layers` how many of the encoder's last layers are trained, 0 for all. `start` is the
    SHA-256 of the weights that training goes on from, "" for the base model's; `replay` the share of the public sets
    that is drawn beside our own.
    """

    seed: int = 0
    epochs: float = 2.0
    steps: int = 0
    learning_rate: float = 1.5e-4
    warm_up: float = 0.06
    least_rate: float = 0.2
    average_from: float = 0.6
    dropout: float = 0.1
    weight_decay: float = 0.01
    pieces: int = 4_096
    span_weight: float = 1.0
    binary_weight: float = 0.5
    checkpoint_minutes: float = 5.0
    dev_steps: int = 1_000
    without: tuple[str, ...] = ()
    lora: int = 0
    layers: int = 0
    start: str = ""
    replay: float = 1.0


@dataclass(frozen=True, slots=True)
class Targets:
    """What is right about some windows.

    `positive` (windows, sentences); `group` (windows,), the number of the question that each is read for; `spans`
    (windows, answers, 2), the first and last pieces of the marked answers, -1 where there are fewer; `known`
    (windows,), whether the answer's words are known, or that there are none.
    """

    positive: Tensor
    group: Tensor
    spans: Tensor
    known: Tensor

    def to(self, device: torch.device | str) -> Targets:
        return Targets(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def train(
    model: ReadingModel,
    pool: Pool,
    settings: Settings,
    folder: Path,
    report: Callable[[str], None],
    measure: Callable[[ReadingModel], str],
) -> None:
    """Trains in place; `folder` keeps the checkpoint, which a later call with the same settings goes on from."""
    network, tokenizer, device = model.network, model.tokenizer, model.device
    total = settings.steps or count_steps(tokenizer, pool, settings)
    state = _State(network, settings, total)
    done = state.resume(folder)
    report(f"{total:,} steps, from step {done:,}")
    network.train()
    started = saved = time.monotonic()
    losses: list[float] = []
    mark = partial(_mark_once, folder, model, pool.questions) if "marked" not in settings.without else _mark_nothing
    for step, (batch, targets) in enumerate(draw_batches(tokenizer, pool, settings, mark)):
        if step >= total:
            break
        if step < done:
            continue
        torch.manual_seed(settings.seed * total + step)  # dropout is the same in a run that goes on
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
            scores, spans = network(batch.to(device))
        loss = find_loss(scores, spans, targets.to(device), settings)
        loss.backward()  # type: ignore[no-untyped-call]
        state.update(step)
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            rate = (step + 1 - done) / (time.monotonic() - started)
            left = (total - step - 1) / rate / 60
            loss_now = sum(losses[-100:]) / 100
            report(f"step {step + 1:,}/{total:,}  loss {loss_now:.3f}  {rate:.2f} steps/s  {left:.0f} min left")
        if time.monotonic() - saved > 60 * settings.checkpoint_minutes or step + 1 == total:
            state.save(folder, step + 1)
            saved = time.monotonic()
        if (step + 1) % settings.dev_steps == 0 or step + 1 == total:
            network.eval()
            report(measure(ReadingModel(state.best(), tokenizer, device)))
            network.train()
    best = state.best().trained()
    network.load_state_dict({n: best[n] for n, p in network.named_parameters() if p.requires_grad}, strict=False)
    network.eval()


class _State:
    """What changes from step to step: weights, their mean, the optimizer's moments and the learning rate."""

    def __init__(self, network: ReaderNetwork, settings: Settings, total: int) -> None:
        self._network, self._settings, self._total = network, settings, total
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: _rate(step, total, settings.warm_up, settings.least_rate)
        )
        self._mean: Any = AveragedModel(network, multi_avg_fn=get_swa_multi_avg_fn())  # type: ignore[no-untyped-call]

    def update(self, step: int) -> None:
        """One step of the optimizer along the gradients."""
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._schedule.step()
        if step + 1 >= self._settings.average_from * self._total and (step + 1) % AVERAGED_STEPS == 0:
            self._mean.update_parameters(self._network)

    def best(self) -> ReaderNetwork:
        """The mean of the weights; before that begins, the weights."""
        best: ReaderNetwork = self._mean.module if self._mean.n_averaged else self._network
        return best

    def save(self, folder: Path, step: int) -> None:
        state = {
            "settings": asdict(self._settings),
            "network": self._network.trained(),
            "mean": self._mean.module.trained(),
            "averaged": self._mean.n_averaged,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": step,
        }
        torch.save(state, folder / "checkpoint.new")
        os.replace(folder / "checkpoint.new", folder / "checkpoint.pt")

    def resume(self, folder: Path) -> int:
        """The steps that the checkpoint has behind it; 0 where there is none."""
        file = folder / "checkpoint.pt"
        if not file.is_file():
            return 0
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["settings"] != asdict(self._settings):
            raise CitewellError(f"'{file}' was made with other settings. Name another --out, or remove it.")
        self._network.load_state_dict(state["network"], strict=False)
        self._mean.module.load_state_dict(state["mean"], strict=False)
        self._mean.n_averaged.copy_(state["averaged"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        return int(state["step"])


def find_loss(scores: Tensor, spans: Tensor, targets: Targets, settings: Settings) -> Tensor:
    """Cross entropy over a question's sentences and "none answers", of each sentence alone, and over answer spans.

    A sentence's own loss gives a second right sentence its due; the span's log-likelihood sums over all marked ones.
    """
    exists = torch.isfinite(scores)
    alone = functional.binary_cross_entropy_with_logits(scores[exists], targets.positive[exists].float())
    return (
        _choice_loss(scores, targets, exists)
        + 2 * settings.binary_weight * alone
        + settings.span_weight * _span_loss(spans, targets)
    )


def _choice_loss(scores: Tensor, targets: Targets, exists: Tensor) -> Tensor:
    """Of a right sentence among all that were read for its question; of "none", whose logit is 0, where none is."""
    questions = int(targets.group.max()) + 1
    own = targets.group.unsqueeze(0) == torch.arange(questions, device=scores.device).unsqueeze(1)
    none = scores.new_zeros(questions, 1)
    logits = torch.where((own.unsqueeze(2) & exists).flatten(1), scores.flatten(), -torch.inf)
    wanted = (own.unsqueeze(2) & targets.positive).flatten(1)
    wanted = torch.cat([~wanted.any(1, keepdim=True), wanted], dim=1)
    logits = torch.cat([none, logits], dim=1)
    return (logits.logsumexp(1) - logits.masked_fill(~wanted, -torch.inf).logsumexp(1)).mean()


def _span_loss(spans: Tensor, targets: Targets) -> Tensor:
    """Of the marked answers among all spans and "none", whose logit is 0."""
    if not bool(targets.known.any()):
        return spans.new_zeros(())
    places = targets.spans[targets.known]
    logits = spans[targets.known].flatten(1)
    marked = places[..., 0] >= 0
    found = logits.gather(1, (places[..., 0] * spans.shape[2] + places[..., 1]).clamp(min=0))
    none = torch.zeros_like(logits[:, :1])
    wanted = torch.cat(
        [
            none.masked_fill(marked.any(1, keepdim=True), -torch.inf),
            found.masked_fill(~marked, -torch.inf),
        ],
        dim=1,
    )
    return (torch.cat([none, logits], dim=1).logsumexp(1) - wanted.logsumexp(1)).mean()


def count_steps(tokenizer: Any, pool: Pool, settings: Settings) -> int:
    """Steps of the whole run, from the size of the first epoch's first questions."""
    groups = list(draw_epoch(pool, settings.seed * 1_000, {}))
    probe = groups[:CHUNK]
    steps = len(list(_fill_batches(probe, _encode_groups(tokenizer, probe), settings.pieces)))
    return math.ceil(settings.epochs * steps * len(groups) / len(probe))


def draw_batches(
    tokenizer: Any, pool: Pool, settings: Settings, mark: Callable[[int], Mapping[int, Spans]]
) -> Iterator[tuple[Batch, Targets]]:
    """Batches without end, the same for the same seed; `mark` gives an epoch's answers that nobody marked."""
    for epoch in itertools.count():
        seed = settings.seed * 1_000 + epoch
        draw = random.Random(seed)
        groups = draw_epoch(pool, seed, mark(epoch))
        while chunk := list(itertools.islice(groups, CHUNK)):
            encoded = _encode_groups(tokenizer, chunk)
            batches = list(_fill_batches(chunk, encoded, settings.pieces))
            draw.shuffle(batches)
            for rows in batches:
                windows = [window for row in rows for window in encoded[row]]
                numbers = [number for number, row in enumerate(rows) for _ in chunk[row]]
                examples = [example for row in rows for example in chunk[row]]
                yield collate(windows), make_targets(examples, windows, numbers)


def _encode_groups(tokenizer: Any, groups: Sequence[Sequence[Example]]) -> list[list[EncodedWindow]]:
    encoded = iter(encode_windows(tokenizer, [example.window for group in groups for example in group]))
    return [list(itertools.islice(encoded, len(group))) for group in groups]


def _fill_batches(
    groups: Sequence[Sequence[Example]], encoded: Sequence[Sequence[EncodedWindow]], pieces: int
) -> Iterator[list[int]]:
    """Numbers of the groups in batches of like length; a question's windows stay together."""
    longest = [max(map(len, windows)) for windows in encoded]
    rows: list[int] = []
    for row in sorted(range(len(groups)), key=lambda row: -longest[row]):
        if rows and longest[rows[0]] * sum(len(groups[r]) for r in (*rows, row)) > pieces:
            yield rows
            rows = []
        rows.append(row)
    yield rows


def make_targets(examples: Sequence[Example], windows: Sequence[EncodedWindow], group: Sequence[int]) -> Targets:
    """The examples' right sentences and spans, as places of the encoded windows."""
    positive = torch.zeros(len(windows), max(len(window.ends) for window in windows), dtype=torch.bool)
    found = []
    for row, (example, window) in enumerate(zip(examples, windows, strict=True)):
        positive[row, list(example.positive)] = True
        found.append([place for span in example.spans if (place := find_pieces(window, *span))])
    spans = torch.full((len(windows), max(1, *map(len, found)), 2), -1)
    for row, places in enumerate(found):
        spans[row, : len(places)] = torch.tensor(places).view(-1, 2)
    known = torch.tensor([bool(places) or not e.positive for e, places in zip(examples, found, strict=True)])
    return Targets(positive, torch.tensor(group), spans, known)


def find_pieces(window: EncodedWindow, sentence: int, start: int, end: int) -> tuple[int, int] | None:
    """First and last piece of the words that hold the characters of one sentence.

    None where they were cut off, or are more than the network marks.
    """
    inside = (window.sentence == sentence) & (window.spans[:, 0] < end) & (window.spans[:, 1] > start)
    pieces = inside.nonzero()[0]
    if not len(pieces) or window.spans[pieces[-1], 1] < end:
        return None
    words = (window.sentence == sentence) & np.isin(window.word, window.word[pieces])
    first, last = words.nonzero()[0][[0, -1]]
    return (int(first), int(last)) if last - first < LONGEST_SPAN else None


def _mark_once(folder: Path, model: ReadingModel, questions: Sequence[Question], epoch: int) -> Mapping[int, Spans]:
    """The answers that the model itself marks before an epoch, kept in a file for a run that goes on; at first none."""
    if epoch == 0:
        return {}
    file = folder / f"spans-{epoch}.json"
    if not file.is_file():
        marked = mark_spans(model, questions)
        file.write_text(json.dumps(sorted(marked.items())))
    return {number: tuple(map(tuple, spans)) for number, spans in json.loads(file.read_text())}


def _mark_nothing(epoch: int) -> Mapping[int, Spans]:
    return {}


def _rate(step: int, total: int, warm_up: float, least: float) -> float:
    """Linear up over the warm-up's share of the steps, then linear down to `least`."""
    rise = max(1, round(warm_up * total))
    fall = max(0.0, (total - step) / max(1, total - rise))
    return min((step + 1) / rise, least + (1 - least) * fall)

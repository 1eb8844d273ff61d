"""The reader's network: a MiniLM encoder that scores each sentence of a window and points at the answer in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rag.windows import EncodedWindow

LONGEST_SPAN = 30
"""Word pieces of an answer."""

SPAN_WIDTH = 96
"""Dimensions in which a span's first and last piece are compared."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows padded to the longest: pieces (windows, pieces) and sentence ends (windows, sentences).

    `sentence`, `word` and `ends` hold -1 where there is nothing.
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    sentence: Tensor
    word: Tensor
    ends: Tensor

    def to(self, device: torch.device | str) -> Batch:
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


class ReaderNetwork(nn.Module):
    """The base model's encoder, a head that scores sentences and one that marks which words of them answer.

    The embeddings stay those of the base model: they are neither trained nor saved.
    """

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.score = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))
        self.first, self.last = nn.Linear(width, SPAN_WIDTH), nn.Linear(width, SPAN_WIDTH)
        self.edges, self.nothing = nn.Linear(width, 2), nn.Linear(width, 1)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores (windows, sentences) and the spans' log-odds (windows, pieces, pieces), by first and last piece.

        A score is the log-odds of the sentence against "nothing here answers"; -inf where there is no sentence. A
        span's log-odds are against there being none; -inf unless it is whole words of one sentence and at most
        `LONGEST_SPAN` pieces. A span is scored as a whole, since the likeliest start and the likeliest end may be
        those of different answers (Lee et al., 2016, "Learning recurrent span representations").
        """
        hidden = self.encoder(
            input_ids=batch.ids, token_type_ids=batch.types, attention_mask=batch.mask
        ).last_hidden_state
        pooled = torch.cat([gather(hidden, batch.ends), mean_by_sentence(hidden, batch.sentence, batch.ends)], dim=-1)
        scores = self.score(pooled).squeeze(-1).float().masked_fill(batch.ends < 0, -torch.inf)
        pairs = self.first(hidden) @ self.last(hidden).transpose(1, 2) / SPAN_WIDTH**0.5
        edges = self.edges(hidden).float()
        spans = pairs.float() + edges[..., :1] + edges[..., 1:].transpose(1, 2)
        spans = spans - self.nothing(hidden[:, 0]).float().unsqueeze(-1)
        return scores, spans.masked_fill(~_allowed_spans(batch), -torch.inf)

    def freeze_lower(self, layers: int) -> None:
        """Leaves only the last layers of the encoder, so many, and the heads to be trained."""
        encoder: Any = self.encoder
        for layer in encoder.encoder.layer[:-layers]:
            layer.requires_grad_(requires_grad=False)

    def trained(self) -> dict[str, Tensor]:
        """The weights that training changes, by name."""
        return {name: value for name, value in self.state_dict().items() if ".embeddings." not in name}


def gather(hidden: Tensor, places: Tensor) -> Tensor:
    index = places.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
    return hidden.gather(1, index)


def mean_by_sentence(hidden: Tensor, sentence: Tensor, ends: Tensor) -> Tensor:
    """The mean of each sentence's pieces (windows, sentences, width)."""
    member = (sentence.unsqueeze(1) == torch.arange(ends.shape[1], device=ends.device).view(1, -1, 1)).to(hidden.dtype)
    return (member @ hidden) / member.sum(-1, keepdim=True).clamp(min=1)


def _allowed_spans(batch: Batch) -> Tensor:
    """Which first and last pieces (windows, pieces, pieces) bound whole words of one sentence."""
    sentence, word = batch.sentence, batch.word
    same_word = (word[:, 1:] == word[:, :-1]) & (sentence[:, 1:] == sentence[:, :-1])
    edge = torch.ones_like(sentence[:, :1], dtype=torch.bool)
    begins, closes = torch.cat([edge, ~same_word], dim=1), torch.cat([~same_word, edge], dim=1)
    inside = sentence >= 0
    length = torch.ones(sentence.shape[1], sentence.shape[1], dtype=torch.bool, device=sentence.device)
    return (
        (begins & inside).unsqueeze(2)
        & (closes & inside).unsqueeze(1)
        & (sentence.unsqueeze(2) == sentence.unsqueeze(1))
        & length.triu()
        & length.tril(LONGEST_SPAN - 1)
    )


def make_network(base: Any, attention: str = "sdpa", dropout: float = 0.0) -> ReaderNetwork:
    """A network with a copy of the base model's layers, heads untrained.

    It shares the weights of the base model's embeddings, which are frozen. `dropout` is that of the hidden states;
    attention has none.
    """
    config = copy.deepcopy(base.config)
    config._attn_implementation = attention
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = dropout, 0.0
    with torch.device("meta"):
        encoder: Any = type(base)(config, add_pooling_layer=False)
    weights = {name: value for name, value in base.state_dict().items() if not name.startswith("pooler")}
    shared = {name: value if name.startswith("embeddings") else value.clone() for name, value in weights.items()}
    encoder.load_state_dict(shared, assign=True)
    for name, places in base.embeddings.named_buffers():
        encoder.embeddings.register_buffer(name, places, persistent=False)
    encoder.embeddings.requires_grad_(requires_grad=False)
    return ReaderNetwork(encoder, config.hidden_size)


def save_network(network: ReaderNetwork, file: Path, about: dict[str, Any]) -> None:
    """Writes the trained weights as fp16 safetensors with `about` in the header."""
    weights = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in network.trained().items()}
    save_file(weights, str(file), metadata={"about": json.dumps(about)})


def load_network(network: ReaderNetwork, file: Path) -> None:
    """Puts the weights of `save_network` into the network; raises RuntimeError where names or shapes differ."""
    weights = {name: value.float() for name, value in load_file(str(file)).items()}
    missing = network.trained().keys() - weights.keys()
    if missing:
        raise RuntimeError(f"'{file}' lacks {len(missing)} weights, among them {min(missing)}.")
    network.load_state_dict(weights, strict=False)


def collate(windows: Sequence[EncodedWindow]) -> Batch:
    """The windows padded to the longest of them."""
    return Batch(
        ids=_pad([w.ids for w in windows], 0),
        types=_pad([w.types for w in windows], 0),
        mask=_pad([np.ones(len(w), np.int64) for w in windows], 0),
        sentence=_pad([w.sentence for w in windows], -1),
        word=_pad([w.word for w in windows], -1),
        ends=_pad([w.ends for w in windows], -1),
    )


def _pad(rows: Sequence[np.ndarray], filler: int) -> Tensor:
    padded = np.full((len(rows), max(len(row) for row in rows)), filler, np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(padded)

"""The network that compares sentences by twos: the reader's encoder with last layers of its own, a head for pairs."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from rag.network import Batch, ReaderNetwork, gather, mean_by_sentence

OWN_LAYERS = 3
"""Last layers of the encoder that are not the reader's."""

PAIR_WIDTH = 192
"""Dimensions in which two sentences are compared."""

UNRELATED, AGREE, CONTRADICT = 0, 1, 2
"""What two sentences may be to each other as answers to the question."""


class PairNetwork(nn.Module):
    """Reads a question with some sentences at once and says of each two whether they agree or contradict each other."""

    def __init__(self, encoder: nn.Module, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.project = nn.Linear(2 * width, PAIR_WIDTH)
        self.compare = nn.Sequential(
            nn.Linear(3 * PAIR_WIDTH, PAIR_WIDTH), nn.GELU(), nn.Dropout(dropout), nn.Linear(PAIR_WIDTH, 3)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits (windows, sentences, sentences, 3), the same for both orders of two sentences.

        Of two sentences' vectors their sum, distance and product are compared (Mou et al., 2016, "Natural language
        inference by tree-based convolution and heuristic matching").
        """
        hidden = self.encoder(
            input_ids=batch.ids, token_type_ids=batch.types, attention_mask=batch.mask
        ).last_hidden_state
        pooled = torch.cat([gather(hidden, batch.ends), mean_by_sentence(hidden, batch.sentence, batch.ends)], dim=-1)
        one, other = self.project(pooled).unsqueeze(2), self.project(pooled).unsqueeze(1)
        logits: Tensor = self.compare(torch.cat([one + other, (one - other).abs(), one * other], dim=-1)).float()
        return logits

    def trained(self) -> dict[str, Tensor]:
        """The weights that training changes, by name: those that are not the reader's."""
        encoder: Any = self.encoder
        shared = len(encoder.encoder.layer) - OWN_LAYERS
        others = ("encoder.embeddings.", *(f"encoder.encoder.layer.{number}." for number in range(shared)))
        return {name: value for name, value in self.state_dict().items() if not name.startswith(others)}


def make_pair_network(reader: ReaderNetwork, dropout: float = 0.0) -> PairNetwork:
    """A network on the reader's embeddings and lower layers, which both share; the last layers start as copies."""
    encoder: Any = reader.encoder
    shared = [encoder.embeddings, *encoder.encoder.layer[:-OWN_LAYERS]]
    own = copy.deepcopy(encoder, {id(part): part for part in shared})
    return PairNetwork(own, encoder.config.hidden_size, dropout)


def hash_shared(reader: ReaderNetwork) -> str:
    """SHA-256 over the layers that both share: a network that was trained on others is of no use."""
    encoder: Any = reader.encoder
    digest = hashlib.sha256()
    for layer in encoder.encoder.layer[:-OWN_LAYERS]:
        for name, value in layer.state_dict().items():
            digest.update(name.encode())
            digest.update(value.detach().to("cpu", torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()

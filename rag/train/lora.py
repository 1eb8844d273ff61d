"""Low-rank updates (Hu et al., 2021) instead of whole layers, by `peft`, for the comparison in the model card."""

from __future__ import annotations

from typing import Any

from rag.network import ReaderNetwork


def add_lora(network: ReaderNetwork, rank: int) -> None:
    """Freezes the encoder and gives its linear layers trainable updates of the rank; the heads stay trainable."""
    from peft import LoraConfig, get_peft_model  # an extra: `pip install citewell[train]`

    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["query", "key", "value", "dense"])
    encoder: Any = network.encoder
    network.encoder = get_peft_model(encoder, settings)


def merge_lora(network: ReaderNetwork) -> None:
    """Adds the updates to the layers, so that the network is saved and loaded like any other."""
    encoder: Any = network.encoder
    network.encoder = encoder.merge_and_unload()

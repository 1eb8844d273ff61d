"""Batches that fit into memory: where one does not, half of it is tried."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from rag.errors import CitewellError

T = TypeVar("T")
_SIGNS = ("out of memory", "not enough memory", "defaultcpuallocator", "alloc_failed")

log = logging.getLogger(__name__)


def halve_until_it_fits(encode: Callable[[int], T], batch_size: int) -> tuple[T, int]:
    """What `encode` returns for the largest batch size that fits into memory, and that size.

    Raises CitewellError where not even a single text fits.
    """
    while True:
        try:
            return encode(batch_size), batch_size
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if batch_size == 1:
                raise CitewellError(
                    "Memory ran out while embedding one text at a time. Close other programs, or set "
                    "CITEWELL_DEVICE=cpu or a smaller model as CITEWELL_EMBEDDING; what is embedded so far is kept: "
                    "citewell index"
                ) from error
        log.warning("Out of memory with %d texts a batch: going on with %d.", batch_size, batch_size // 2)
        batch_size //= 2
        _free_device_memory()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python's or PyTorch's error, of any device, is about memory."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def _free_device_memory() -> None:
    import torch  # seconds to import, and in memory already where a model has run

    if torch.cuda.is_available():
        torch.cuda.empty_cache()

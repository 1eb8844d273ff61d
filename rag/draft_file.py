"""The file that is to be checked: a text, or an answer that was kept as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rag.errors import CitewellError

MOST_BYTES = 10_000_000
"""Of a draft."""


def read_draft(file: Path) -> tuple[str, dict[str, Any] | None]:
    """The text of a draft, and what it says where it is a JSON object; "-" is standard input.

    Raises CitewellError for a file that cannot be read, is larger than `MOST_BYTES`, or is no text.
    """
    try:
        if str(file) != "-" and file.stat().st_size > MOST_BYTES:
            raise CitewellError(f"'{file}' has more than {MOST_BYTES:,} bytes. Check it in parts.")
        data = sys.stdin.buffer.read(MOST_BYTES + 1) if str(file) == "-" else file.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise CitewellError(f"'{file}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CitewellError(
            f"'{file}' is no text in UTF-8: byte {error.start:,} is 0x{data[error.start]:02x}."
        ) from error
    if len(data) > MOST_BYTES:
        raise CitewellError(f"The draft has more than {MOST_BYTES:,} bytes. Check it in parts.")
    if "\0" in text:
        raise CitewellError(f"'{file}' is no text: it holds NUL bytes.")
    return text, read_object(text.removeprefix("\ufeff"))


def read_object(text: str) -> dict[str, Any] | None:
    """What the text says where it is a JSON object; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None

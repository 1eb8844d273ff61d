"""Files that a visitor takes along: each in a folder of its own whose name nobody else can know."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

OLDEST = 3_600
"""Seconds that a file is kept for its visitor to fetch it."""


def keep_file(cache: str, name: str, data: bytes) -> str:
    """Writes the file into Gradio's cache, from where it serves what a handler returns, and gives its path."""
    Path(cache).mkdir(parents=True, exist_ok=True)
    file = Path(tempfile.mkdtemp(prefix=secrets.token_hex(16), dir=cache)) / name
    file.write_bytes(data)
    return str(file)

"""`pytest eval`: each case as a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag import Assistant, Config


@pytest.fixture(scope="session")
def assistant() -> Iterator[Assistant]:
    """The assistant that the environment sets, as a user would open it."""
    with Assistant.open(Config()) as opened:
        yield opened

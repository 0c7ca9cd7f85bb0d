"""One empty online store of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore


@pytest.fixture(params=["memory"])
def store(request: pytest.FixtureRequest) -> Iterator[OnlineStore]:
    """An empty store; the tests that take it hold for every kind."""
    opened = EmbeddedOnlineStore(None)
    yield opened
    opened.close()

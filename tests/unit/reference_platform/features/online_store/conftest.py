"""One empty online store of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OnlineStore]:
    """An empty store; the tests that take it hold for every kind."""
    opened = EmbeddedOnlineStore(None if request.param == "memory" else tmp_path / "online.db")
    yield opened
    opened.close()

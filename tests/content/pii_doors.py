"""The ways into a store other than its online method: HTTP as a client sees it, and training sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd

from reference_platform.errors import PagerDrillError
from reference_platform.features.store import FeatureStore
from reference_platform.features.times import instant
from reference_platform.live.feature_server import create_app
from tests.content.pii_world import CLASS_OF, VIEWS, frames

HIDDEN = sorted(CLASS_OF)
BROKEN = (b"", b"{", b"[]", b'"people:zq"', b"\xff", b'{"entities": 1}', b'{"features": ["people:age"]}', b"null")
PATHS = ("/catalog", "/catalog.json", "/metrics", "/health", "/no/zq_email_address", "/catalog/zq_health_illness")


class Answered(NamedTuple):
    """Everything that came back. `typed`: what the caller said, which may come back. `good`: no refusal."""

    text: str
    typed: str
    good: bool
    as_caller: bool = True
    """False where no grant counts: whoever writes is told nothing that is personal."""


class HttpDoor:
    """A client of the feature server, without a socket."""

    def __init__(self, store: FeatureStore) -> None:
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(app=create_app(store))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://store", trust_env=False, timeout=None)

    def __enter__(self) -> HttpDoor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 /) -> None:  # fmt: skip
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def ask(self, rng: np.random.Generator, role: str, purpose: str, features: Any, entities: Any, full: bool
            ) -> Answered:  # fmt: skip
        """One request: mostly a read, sometimes a write, a page or nonsense."""
        headers = {"x-role": role, "x-purpose": purpose}
        draw = rng.random()
        if draw < 0.03:
            return self._said("GET", PATHS[int(rng.integers(len(PATHS)))], b"", headers)
        if draw < 0.06:
            return self._said("POST", "/get-online-features", BROKEN[int(rng.integers(len(BROKEN)))], headers)
        if draw < 0.12:
            path, body = _write(rng)
            return self._said("POST", path, json.dumps(body).encode(), headers)._replace(as_caller=False)
        asked: dict[str, Any] = {"entities": entities, "full_feature_names": full}
        named = features if isinstance(features, str) else getattr(features, "name", "")
        asked |= {"feature_service": named} if named else {"features": list(features)}
        return self._said("POST", "/get-online-features", json.dumps(asked).encode(), headers)

    def _said(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        asked = self._client.request(
            method, path, content=body, headers={**headers, "content-type": "application/json"}
        )
        answer = self._loop.run_until_complete(asked)
        typed = f"{path} {body.decode('latin-1')}"
        if answer.is_success and "zq_email_address" in typed:
            # A column that the caller sent comes back; a feature of that name does not.
            typed = "zq_email_address" if '"zq_email_address": [' in typed else ""
        return Answered(f"{answer.status_code} {dict(answer.headers)} {answer.text}", typed, answer.is_success)


def _write(rng: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """Rows that do not fit: a column is missing, misspelt or of another type, or the target has another name."""
    view = VIEWS[int(rng.integers(len(VIEWS)))]
    rows: dict[str, list[Any]] = {key: [1 if key == "person_id" else "d1"] for key in view.join_keys}
    rows["event_timestamp"] = ["2020-01-01T00:00:00Z"]
    word = HIDDEN[int(rng.integers(len(HIDDEN)))]
    if rng.random() < 0.5:
        rows[word[: int(rng.integers(3, len(word) + 1))]] = [[{}]]
    if rng.random() < 0.3:
        del rows[str(rng.choice(list(rows)))]
    target = str(rng.choice([view.name] * 4 + [view.source.name] * 4 + [view.name[:-1], "zq_email"]))
    if rng.random() < 0.5:
        return "/push", {"push_source_name": target, "df": rows, "to": "online"}
    return "/write-to-online-store", {"feature_view_name": target, "df": rows}


class HistoryDoor:
    """Training sets, from sources that hold the same people."""

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    @staticmethod
    def fill(folder: Path) -> None:
        """Write the sources."""
        for view, frame in frames().items():
            frame.to_parquet(folder / f"{view}.parquet")

    def ask(self, role: str, purpose: str, features: Any, entities: Mapping[str, list[Any]], full: bool, now_us: int
            ) -> Answered:  # fmt: skip
        """One training set, with what it says of leaks."""
        try:
            rows = max(map(len, entities.values()), default=0)
            labels = pd.DataFrame({**entities, "event_timestamp": [instant(now_us)] * rows})
            job = self._store.get_historical_features(labels, features, full, role=role, purpose=purpose)
            table = job.to_arrow()
            text = f"{table.column_names} {table.to_pydict()} {job.leak_report().to_text()} {job!r}"
        except (PagerDrillError, ValueError) as error:
            typed = f"{features!r} {entities}" if getattr(features, "name", "mine") == "mine" else str(entities)
            return Answered(f"{error} {error!r} {vars(error)} {error.__cause__!r} {error.__context__!r}", typed, False)
        return Answered(text, "zq_email_address" if "zq_email_address" in entities else "", True)

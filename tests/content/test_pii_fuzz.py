"""Personal data stays where a grant puts it: whatever is asked, by whomever, nothing hidden comes out anywhere."""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference_platform.errors import PagerDrillError
from reference_platform.features.config import StoreConfig
from reference_platform.features.governance.access import Grant
from reference_platform.features.governance.audit_check import verify
from reference_platform.features.governance.catalogue import Catalogue
from reference_platform.features.governance.lineage import Lineage
from reference_platform.features.store import FeatureStore
from tests.content.pii_doors import Answered, HistoryDoor, HttpDoor
from tests.content.pii_world import (
    CLASS_OF,
    CLASSES,
    DEVICES,
    NEXT_NUMBER,
    ORDERS,
    PEOPLE,
    ROWS,
    SCALED,
    SERVICES,
    START_US,
    VAULT,
    VIEW_OF,
    VIEWS,
    Rights,
    frames,
    leaks,
    write_grants,
)

ROLES = [f"role{number}" for number in range(18)] + ["", "role1' OR '1'='1"]
PURPOSES = ("tickets", "fraud", "research", "")
HTTP_RATIO, HISTORY_RATIO = 0.1, 0.005
"""Shares of requests that come over HTTP, and that ask for a training set."""
HOUR_US = 3_600_000_000
DIGEST = re.compile(r'"(?:previous|sha256|read)":"[0-9a-f]{16,64}"')
"""Digits of any kind turn up in a million digests."""
NOTHING = Rights(frozenset(), frozenset())
REFERENCES = [f"{view.name}:{field.name}" for view in (*VIEWS, NEXT_NUMBER, SCALED) for field in view.schema]
ODD = (
    "people:zq_email", "people:zq_email_addres", "people:zq_phone_numbr", "vault:", "vaul:zq_health_illness", ":", "",
    "people", "people:*", "people@v1:age", "people@v9:zq_email_address", "people:age:age", "people:zq_email_address ",
    "PEOPLE:ZQ_EMAIL_ADDRESS", "next_number:zq_phone_nex", "people:age'; DROP TABLE people; --", "people:\u0430ge",
    "../../vault:zq_place_home", "people\u202e:age", "people:zq_email_address\x00", "\ud800:x", "x" * 500,
    "trackers:zq_place_last", "secre", "everythin", "mial", "people__zq_email_address", "${people:zq_phone_number}",
)  # fmt: skip
SERVICE_NAMES = [service.name for service in SERVICES]


def _random_grants(rng: np.random.Generator, span_us: int) -> list[Grant]:
    made = []
    for _ in range(60):
        single = [f"{VIEW_OF[name]}:{name}" for name in rng.choice(sorted(VIEW_OF), rng.integers(0, 3), replace=False)]
        classes = tuple(map(str, rng.choice(CLASSES, rng.integers(0 if single else 1, 3), replace=False)))
        made.append(
            Grant(
                role=ROLES[int(rng.integers(0, 14))],
                purpose=PURPOSES[int(rng.integers(0, 3))],
                expires_us=START_US + int(rng.integers(-span_us // 10, span_us)),
                granted_by="privacy",
                reason="fuzz",
                pii=classes,
                features=tuple(single),
            )
        )
    return made


def _features(rng: np.random.Generator) -> Any:
    draw = rng.random()
    if draw < 0.35:
        return SERVICE_NAMES[int(rng.integers(len(SERVICE_NAMES)))]
    if draw < 0.4:
        return ODD[int(rng.integers(len(ODD)))]
    if draw < 0.43:
        return SERVICES[int(rng.integers(len(SERVICES)))]
    if draw < 0.45:
        view = (PEOPLE, VAULT, DEVICES, ORDERS)[int(rng.integers(4))]
        return type(SERVICES[0])("mine", (view, *((NEXT_NUMBER,) if rng.random() < 0.3 else ())))
    # Mostly of one view, so that the request's keys fit.
    near = REFERENCES if rng.random() < 0.2 else [name for name in REFERENCES if name.split(":")[0] == "people"]
    asked = [near[int(rng.integers(len(near)))] for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.15:
        asked.insert(int(rng.integers(len(asked) + 1)), ODD[int(rng.integers(len(ODD)))])
    return list(dict.fromkeys(asked))


def _entities(rng: np.random.Generator, features: Any) -> Any:
    rows = int(rng.integers(1, 4))
    people: list[Any] = [int(row) for row in rng.integers(0, ROWS + 5, rows)]
    entities: dict[str, Any] = {"person_id": people}
    if "device" in repr(features) or features == "tracking":
        entities = {"device_id": [f"d{row}" for row in people], "slot": [str(row % 3) for row in people]}
    if "scaled" in repr(features) or features == "clean":
        entities["factor"] = [2] * rows
    draw = rng.random()
    if draw < 0.04:
        entities["person_id"] = [None, *people[1:]]
    elif draw < 0.06:
        entities["person_id"] = ["1 OR 1=1", *people[1:]]
    elif draw < 0.08:
        entities["zq_email_address"] = ["x"] * rows
    elif draw < 0.09:
        entities = {}
    elif draw < 0.10:
        entities["person_id"] = [*people, 1]
    elif draw < 0.11:
        entities["person_id"] = [1 << 80, *people[1:]]
    return entities


class _Fuzz:
    """One store, its grants and what came out of it."""

    def __init__(self, folder: Path, requests: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.step_us = HOUR_US // 50
        self.requests = requests
        self.grants = _random_grants(self.rng, requests * self.step_us)
        write_grants(folder / "grants.yaml", self.grants)
        self.now_us = START_US
        self.folder = folder
        self.store = FeatureStore(folder, config=StoreConfig(grants="grants.yaml"), clock=lambda: self.now_us)
        self.store.apply([*VIEWS, NEXT_NUMBER, SCALED, *SERVICES])
        for view, frame in frames().items():
            self.store.write_to_online_store(view, frame)
        HistoryDoor.fill(folder)
        self.history, self.http = HistoryDoor(self.store), HttpDoor(self.store)
        self.leaked: list[str] = []
        self.good: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.personal: Counter[str] = Counter()

    def ask(self) -> None:
        """One request; every word of the answer or of the refusal is searched."""
        rng = self.rng
        role, purpose = ROLES[int(rng.integers(len(ROLES)))], PURPOSES[int(rng.integers(len(PURPOSES)))]
        features, full = _features(rng), bool(rng.random() < 0.3)
        entities = _entities(rng, features)
        draw = rng.random()
        if draw < HISTORY_RATIO:
            way, came = "history", self.history.ask(role, purpose, features, entities, full, self.now_us)
        elif draw < HISTORY_RATIO + HTTP_RATIO:
            way, came = "http", self.http.ask(rng, role, purpose, features, entities, full)
        else:
            way, came = "online", self._online(role, purpose, features, entities, full)
        self.good[way] += came.good
        self.refused[way] += not came.good
        self.personal[way] += "CANARY" in came.text or "7719" in came.text
        rights = Rights.of(self.grants, role, purpose, self.now_us) if came.as_caller else NOTHING
        found = leaks(came.text, rights, came.typed)
        if found:
            self.leaked.append(f"{way}: {role!r} {purpose!r} {features!r} {entities!r}: {found}")
        self.now_us += self.step_us

    def _online(self, role: str, purpose: str, features: Any, entities: Any, full: bool) -> Answered:
        # A service that was never applied is spelt out by the caller, hidden names included.
        typed = f"{features!r} {entities}" if getattr(features, "name", "mine") == "mine" else str(entities)
        try:
            response = self.store.get_online_features(features, entities, full, role=role, purpose=purpose)
            text = repr(response.to_dict(include_event_timestamps=True)) + repr(response.names) + repr(response)
            # A column that the caller sent comes back to the caller; a feature of that name does not.
            typed = "zq_email_address" if isinstance(entities, dict) and "zq_email_address" in entities else ""
        except PagerDrillError as error:
            text = f"{error} {error!r} {vars(error)} {error.__cause__!r} {error.__context__!r}"
            return Answered(text, typed, False)
        return Answered(text, typed, True)

    def left_behind(self) -> str:
        """Everything that the store wrote beside the values themselves."""
        self.store.ledgers.flush()
        kept = [path for path in self.folder.rglob("*") if path.is_file() and path.suffix in (".jsonl", ".json")]
        kept = [path for path in kept if path.name != "registry.json"]
        kept += [path for path in (self.folder / "data" / "vectors").rglob("*") if path.is_file()]
        text = "\n".join(path.read_bytes().decode("latin-1") for path in sorted(set(kept)))
        return DIGEST.sub('"digest"', text)

    def metadata(self) -> list[tuple[str, Rights]]:
        """What catalogue and lineage say to every caller, with what that caller may see."""
        found = []
        for role in ROLES:
            for purpose in PURPOSES:
                catalogue = self.store.catalogue(role=role, purpose=purpose)
                text = catalogue.to_text() + catalogue.to_html() + catalogue.to_json().decode()
                text += repr(catalogue.search("zq_email_address"))
                found.append((text, Rights.of(self.grants, role, purpose, self.now_us)))
        definitions = self.store.definitions
        events = Lineage("fuzz", definitions).applied(self.now_us)
        events += Lineage("fuzz", definitions).training_set("t", definitions.services["everything"].features, 1)
        events.append(Lineage("fuzz", definitions).materialized(PEOPLE, 0, 1, 2))
        found.append((b"".join(event.line() for event in events).decode(), NOTHING))
        found.append((Catalogue.of(definitions).to_html(), NOTHING))
        return found


def _run(folder: Path, requests: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> _Fuzz:
    fuzz = _Fuzz(folder, requests, seed=20)
    # What the client logs of its own words is not the store's.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.WARNING, logger="httpx"), fuzz.http:
        for _ in range(requests):
            fuzz.ask()
        for text, rights in fuzz.metadata():
            assert leaks(text, rights) == []
    assert fuzz.leaked[:5] == []
    written = fuzz.left_behind()
    assert leaks(written, NOTHING) == []
    assert "role1" in written
    assert "pii:email" in written
    out, err = capfd.readouterr()
    assert leaks(caplog.text + out + err, NOTHING) == []
    assert verify(folder / "data" / "audit" / "reads.jsonl").intact
    fuzz.store.close()
    # Otherwise nothing was proved: many answers, many refusals, and personal data for those with a grant.
    for way, ratio in (("online", 1.0 - HTTP_RATIO - HISTORY_RATIO), ("http", HTTP_RATIO), ("history", HISTORY_RATIO)):
        asked = fuzz.good[way] + fuzz.refused[way]
        assert asked > requests * ratio * 0.7, way
        assert fuzz.good[way] > asked * 0.3, way
        assert fuzz.refused[way] > asked * 0.1, way
        assert fuzz.personal[way] > asked * 0.02, way
    return fuzz


def test_nothing_hidden_comes_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two thousand requests of what the sweep shows for a hundred thousand."""
    _run(tmp_path, 2000, caplog, capfd)


@pytest.mark.sweep
def test_nothing_hidden_comes_out_of_a_hundred_thousand_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    _run(tmp_path, 100_000, caplog, capfd)


def test_the_search_for_leaks_finds_them() -> None:
    values = frames()["people"].iloc[0]
    for name in CLASS_OF.keys() & set(values.index):
        assert leaks(repr(values[name]), NOTHING), name
        assert leaks(f'"{name}"', NOTHING) == [name]
        assert leaks(repr(values[name]), Rights(frozenset([name]), frozenset([CLASS_OF[name]]))) == []

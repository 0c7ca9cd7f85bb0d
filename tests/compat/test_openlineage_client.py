"""OpenLineage's own client takes every event of ours into its classes, and writes the same event back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reference_platform.features import FeatureStore
from reference_platform.features.example.folder import write_example
from reference_platform.features.governance.lineage import Lineage, LineageEvent
from reference_platform.features.times import instant_us
from tests.compat.peers import FOLDER, PYTHON, ROOT
from tests.unit.reference_platform.features.governance.people import NOW_US, everything

HERE = any(PYTHON.parents[1].glob("lib/python3*/site-packages/openlineage/client"))
pytestmark = [
    pytest.mark.compat,
    pytest.mark.skipif(not HERE, reason="openlineage-python is not installed: make peers"),
]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = "spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def written_back(lines: bytes, folder: Path) -> list[dict[str, Any]]:
    """The events as the client writes them."""
    path = folder / "events.jsonl"
    path.write_bytes(lines)
    command = [str(PYTHON), str(FOLDER / "openlineage_process.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def filled(value: Any) -> Any:
    """`value` without empty members: the client writes some that may as well be left out."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items() if item not in ([], {})}
    return [filled(item) for item in value] if isinstance(value, list) else value


def taken(lines: bytes, folder: Path) -> list[dict[str, Any]]:
    """Ours, once the client has written the same."""
    ours = [json.loads(line) for line in lines.splitlines()]
    theirs = written_back(lines, folder)
    assert [filled(event) for event in theirs] == [filled(event) for event in ours]
    assert [event["schemaURL"] for event in theirs] == [event["schemaURL"] for event in ours]
    for event in ours:
        # Source: required members of RunEvent, Run, Job and Dataset in the specification.
        assert event.keys() >= {"eventTime", "producer", "schemaURL", "run", "job"}
        assert event["schemaURL"].endswith(SCHEMA)
        assert event["run"]["runId"]
        assert all(event["job"][name] for name in ("namespace", "name"))
        for dataset in (*event["inputs"], *event["outputs"]):
            assert all(dataset[name] for name in ("namespace", "name"))
    return ours


def joined(events: Sequence[LineageEvent]) -> bytes:
    return b"".join(event.line() for event in events)


def test_what_a_store_emits(tmp_path: Path) -> None:
    """Applied and materialised, from the file that other tools read."""
    write_example(tmp_path / "rides", NOW)
    store = FeatureStore(tmp_path / "rides", clock=lambda: instant_us(NOW))
    store.apply(store.read_repository().objects())
    store.materialize_incremental(NOW)
    store.close()
    events = taken((store.data / "lineage.jsonl").read_bytes(), tmp_path)
    assert {event["job"]["name"].partition(".")[0] for event in events} == {"apply", "materialize"}
    (online,) = events[-1]["outputs"]
    assert online["outputFacets"]["outputStatistics"]["rowCount"] == 50


def test_every_kind_of_declaration_and_event(tmp_path: Path) -> None:
    """Streams, topics, on-demand views and services; training sets and model versions; runs that failed."""
    definitions = everything()
    lineage = Lineage("shop", definitions)
    view = definitions.views["profile"]
    events = [
        *lineage.applied(NOW_US),
        lineage.materialized(view, 0, 1, NOW_US, event_type="START"),
        lineage.materialized(view, 0, 1, NOW_US + 1, rows=3, began_us=NOW_US),
        lineage.materialized(view, 0, 1, NOW_US + 2, event_type="FAIL", began_us=NOW_US),
        *lineage.training_set("t1", definitions.services["churn"].features, NOW_US, service="churn", rows=10),
        *lineage.training_set("t2", definitions.services["churn"].features, NOW_US),
        *lineage.model_registered("churn", 4, NOW_US, training_set="t1", service="churn"),
    ]
    kinds = {event["eventType"] for event in taken(joined(events), tmp_path)}
    assert kinds == {"START", "COMPLETE", "FAIL"}


def test_the_comparison_sees_what_the_client_does_not_know(tmp_path: Path) -> None:
    """Otherwise nothing was shown."""
    (event, *_) = Lineage("shop", everything()).applied(NOW_US)
    for wrong in ({"colour": "red"}, {"eventType": "DONE"}, {"eventTime": "yesterday"}, {"inputs": [{"name": 1}]}):
        path = tmp_path / "wrong.jsonl"
        path.write_text(json.dumps({**event.document(), **wrong}))
        command = [str(PYTHON), str(FOLDER / "openlineage_process.py"), str(path)]
        assert subprocess.run(command, capture_output=True, timeout=600, check=False).returncode, wrong

"""Another feature store's OpenLineage consumer takes our events and draws the same graph from them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from reference_platform.features.governance.lineage import Lineage
from tests.unit.reference_platform.features.governance.people import NOW_US, everything

PEER = Path(__file__).parents[5] / ".make" / "peers" / "bin" / "python"
READER = """
import json, sys
from feast.openlineage.processor import OpenLineageProcessor
from feast.openlineage.store import OpenLineageStore

store = OpenLineageStore(connection_string="sqlite:///" + sys.argv[2])
store.initialize()
with open(sys.argv[1]) as stream:
    summary = OpenLineageProcessor(store).process_batch([json.loads(line) for line in stream])
edges = store.get_all_lineage_edges()
datasets = store.get_datasets(limit=1000)
columns = store.get_column_lineage("shop", "feature_service.churn")
print(json.dumps([summary, edges, datasets, columns], default=str))
"""


@pytest.mark.compat
@pytest.mark.slow
@pytest.mark.skipif(not PEER.exists(), reason="`make peers` installs the other feature store")
def test_the_consumer_of_another_feature_store_accepts_every_event(tmp_path: Path) -> None:
    definitions = everything()
    lineage = Lineage("shop", definitions)
    events = [
        *lineage.applied(NOW_US),
        lineage.materialized(definitions.views["profile"], 0, 1, NOW_US, rows=3),
        *lineage.training_set("t1", definitions.services["churn"].features, NOW_US, service="churn"),
        *lineage.model_registered("churn", 4, NOW_US, training_set="t1", service="churn"),
    ]
    written, script = tmp_path / "lineage.jsonl", tmp_path / "reader.py"
    written.write_bytes(b"".join(event.line() for event in events))
    script.write_text(READER, encoding="utf-8")
    done = subprocess.run(
        [str(PEER), str(script), str(written), str(tmp_path / "lineage.db")],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    summary, edges, datasets, columns = json.loads(done.stdout.splitlines()[-1])
    assert (summary["received"], summary["failed"]) == (len(events), 0)
    drawn = json.dumps([edges, datasets, columns])
    for name in ("data/profile.parquet", "feature_view.profile", "feature_service.churn", "training_set.t1"):
        assert name in drawn, name
    assert "model.churn.4" in drawn
    assert "mailbox" not in drawn
    assert columns, "column lineage was understood"

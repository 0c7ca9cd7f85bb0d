"""Folders in a bad state: one clear error each, and nothing of the user's is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reference_platform.errors import CommandError, ConfigError, ContentError
from reference_platform.features import Entity, FeatureStore, FeatureView, Field, FileSource, Float32, StoreConfig
from reference_platform.features.config import RedisConfig
from reference_platform.features.example.folder import write_example
from reference_platform.features.registry_uses import RegistryUses
from reference_platform.features.retrieval import RetrievalJob
from reference_platform.live.opening import open_store
from tests.unit.reference_platform.features.store.rides import DRIVER, FARE, HOUR, SERVICE, STATS, T0, us, write_stats


def opened(root: Path) -> FeatureStore:
    """The rides an hour after the newest row."""
    return FeatureStore(root, clock=lambda: us(T0 + HOUR))


def test_teardown_deletes_what_the_store_wrote_and_nothing_else(tmp_path: Path) -> None:
    """Sources may lie in the same folder, as those of the example do."""
    write_stats(tmp_path)
    store = opened(tmp_path)
    store.apply([DRIVER, STATS, FARE, SERVICE])
    store.materialize_incremental(T0 + HOUR)
    store.compact()
    store.get_online_features(["driver_stats:trips"], [{"driver_id": 1}])
    source = store.data / "source" / "mine.parquet"
    source.parent.mkdir()
    source.write_bytes(b"a month of data")
    store.teardown()
    assert [path.name for path in store.data.iterdir()] == ["source"]
    assert source.read_bytes() == b"a month of data"
    store.apply([DRIVER, STATS])
    assert store.get_online_features(["driver_stats:trips"], [{"driver_id": 1}]).statuses(0) == [3]
    store.close()


def test_teardown_deletes_an_online_file_that_is_damaged(tmp_path: Path) -> None:
    """It is the way out when nothing else works."""
    store = opened(tmp_path)
    store.apply([DRIVER, STATS])
    store.close()
    (store.data / "online.db").write_bytes(b"no database at all" * 100)
    store.teardown()
    assert not store.data.exists()


def test_teardown_keeps_everything_while_its_server_is_away(tmp_path: Path) -> None:
    """Otherwise the rows in the server could never be found again."""
    opened(tmp_path).apply([DRIVER, STATS])
    config = StoreConfig(online_store=RedisConfig(type="redis", url="redis://127.0.0.1:1/0"))
    with pytest.raises(ConfigError, match="does not answer"):
        open_store(tmp_path, config=config).teardown()
    assert (tmp_path / "data" / "registry.json").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": 1, "definitions"', b"[" * 50_000])
def test_a_damaged_registry_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"registry\.json is damaged") as caught:
        open_store(tmp_path)
    assert "apply again" in str(caught.value)


def test_a_file_where_the_data_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(ConfigError, match=r"registry.json cannot be read") as caught:
        open_store(tmp_path)
    assert "Not a directory" in str(caught.value)
    assert (tmp_path / "data").read_text() == "mine"


def test_a_folder_where_the_registry_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "registry.json").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        open_store(tmp_path)


DECLARED = """\
from reference_platform.features import *
driver = Entity("driver", join_keys=("driver_id",))
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys\nsys.exit(0)\n", "definitions.py:2:1: SystemExit: 0"),
        ("class Odd(BaseException): pass\nraise Odd\n", "definitions.py:2:1: Odd"),
        ("def again(): again()\nagain()\n", "RecursionError: maximum recursion depth"),
        ("x = (\n", "definitions.py:1:5: SyntaxError: '(' was never closed"),
        ("raise ValueError('one\\ntwo\\n' * 500)\n", "definitions.py:1:1: ValueError: one\n  mend"),
        (DECLARED + "again = Entity('driver', join_keys=('id',))\n", "definitions.py: two different declarations of"),
    ],
)
def test_code_that_fails_is_an_error_of_its_file(code: str, said: str, tmp_path: Path) -> None:
    """Also code that would end the process, which would look like success."""
    (tmp_path / "definitions.py").write_text(code)
    with pytest.raises(ContentError) as caught:
        open_store(tmp_path).read_repository()
    assert said in str(caught.value)
    assert str(caught.value).count("\n") < 4


def test_an_interrupt_while_definitions_run_stays_an_interrupt(tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path).read_repository()


RIGHT: dict[str, Any] = {
    "name": "rides",
    "entities": [Entity("driver", join_keys=("driver_id",))],
    "source": FileSource(path="rides.parquet"),
    "schema": [Field(name="rating", dtype=Float32)],
}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"entities": RIGHT["entities"][0]}, "is no list of entities"),
        ({"entities": "driver"}, "is no list of entities"),
        ({"entities": ["driver"]}, "is no list of entities"),
        ({"source": "rides.parquet"}, "rides.parquet is no source"),
        ({"schema": ["rating"]}, "rating is no Field"),
        ({"ttl": 3600}, "ttl=3600 has no unit"),
        ({"freshness_sla": "2h"}, "freshness_sla='2h' has no unit"),
    ],
)
def test_an_argument_of_another_kind_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ContentError, match="view rides: ") as caught:
        FeatureView(**(RIGHT | wrong))
    assert said in str(caught.value)
    assert caught.value.fix


def test_one_join_key_may_stand_alone() -> None:
    """And is no list of letters."""
    assert Entity("driver", join_keys="driver_id").join_keys == ("driver_id",)  # type: ignore[arg-type]


def test_a_model_registry_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    """With an empty one no edit would ever hit a model."""
    with pytest.raises(ConfigError, match="there is no model registry here") as caught:
        RegistryUses(folder=tmp_path / "models")()
    assert "model_registry in feature_store.yaml" in caught.value.fix
    assert not (tmp_path / "models").exists()


def test_an_audit_key_that_is_gone_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path, config=StoreConfig(audit_key="gone.key"))
    with pytest.raises(ConfigError, match=r"the audit key .*gone.key cannot be read") as caught:
        store.apply([DRIVER, STATS])
    assert "feature_store.yaml" in caught.value.fix


SCRIPT = """\
import sys
from reference_platform.features import FeatureStore
from reference_platform.live.opening import open_store
store = open_store(sys.argv[1])
store.get_online_features("pricing", {"driver_id": [1001], "distance_km": [1.0], "euro_per_km": [2.0]}, role="script")
"""


def test_a_script_that_does_not_close_its_store_loses_nothing(tmp_path: Path) -> None:
    """Neither who read what, nor what was served."""
    write_example(tmp_path, T0)
    store = FeatureStore(tmp_path, clock=lambda: us(T0))
    store.apply(store.read_repository().objects())
    store.materialize_incremental(T0)
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False, timeout=600
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"role":"script"' in (tmp_path / "data" / "audit" / "reads.jsonl").read_text()
    assert len(list((tmp_path / "data" / "vectors").iterdir())) == 1


@pytest.mark.parametrize(
    "labels",
    [
        pd.DataFrame({"driver_id": [1 << 80, 1]}),
        {"driver_id": [1 << 80]},
        [{"driver_id": 1 << 80}],
        {"driver_id": [1, 2], "event_timestamp": [T0]},
        {"driver_id": ["\ud800"]},
        {"driver_id": [object()]},
        7,
    ],
    ids=["frame", "columns", "rows", "lengths", "surrogate", "object", "number"],
)
def test_what_is_no_table_is_refused(labels: Any, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.apply([DRIVER, STATS])
    with pytest.raises(CommandError, match="is no table of rows"):
        store.get_historical_features(labels, ["driver_stats:trips"])


def training_set() -> RetrievalJob:
    """Two rows that are there already."""
    import pyarrow as pa

    def no_leaks() -> Any:
        raise AssertionError

    return RetrievalJob(lambda: pa.table({"x": [1, 2]}), no_leaks)


@pytest.mark.parametrize("name", [".", "folder", "pipe"])
def test_a_training_set_replaces_nothing_but_files(name: str, tmp_path: Path) -> None:
    """Not even when told to: a device such as /dev/null would be gone."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandError, match="is no file"):
        training_set().persist(tmp_path / name, allow_overwrite=True)
    assert (tmp_path / "pipe").is_fifo()


def test_a_training_set_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        training_set().persist(tmp_path / "file" / "training.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    training_set().persist(tmp_path / "new" / "training.parquet")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["training.parquet"]


def test_ttl_takes_what_it_took() -> None:
    assert FeatureView(**RIGHT, ttl=None).ttl == timedelta(0)

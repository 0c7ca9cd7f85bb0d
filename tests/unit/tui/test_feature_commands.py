"""`pagerdrill features` in the hands of beginners and of people who break things: one message, the right exit code,
never a traceback, nothing lost."""

from __future__ import annotations

import errno
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.online_store.sqlite import SqliteOnlineStore
from reference_platform.features.store import FeatureStore
from tests.unit.tui.feature_shell import LABELS, RATING, Run, refused, served, write_rows
from tui.commands.feature_group import machine_error


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_empty_folder_is_told_how_to_begin(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run, "pagerdrill features init", command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["materialize-incremental"],
        ["materialize", "2026-01-01", "2026-01-02"],
        ["compact"],
        ["get", "a:b", "-e", "a=1"],
        ["catalog"],
        ["lineage", "a:b"],
        ["audit"],
        ["serve", "--port", "0"],
    ],
)
def test_what_needs_declarations_says_so(
    words: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run, "nothing is applied", *words)
    (tmp_path / "definitions.py").write_text("")
    refused(run, "pagerdrill features apply", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["definitions.py"]


def test_definitions_that_are_gone_do_not_empty_the_store(rides: Path, run: Run) -> None:
    """Being in the wrong folder is no wish to delete everything."""
    before = served(run)
    (rides / "definitions.py").rename(rides / "definitions.bak")
    refused(run, "all would go", "apply")
    refused(run, "all would go", "plan")
    assert served(run) == before


@pytest.mark.parametrize(("there", "said"), [("file", "is a file"), ("folder", "exists"), ("file/new", "cannot take")])
def test_init_takes_no_folder_in_use(
    there: str, said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("folder").mkdir()
    Path("folder/own.py").write_text("mine")
    refused(run, said, "init", there)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "own.py"]


def test_init_says_what_is_next(run: Run, tmp_path: Path) -> None:
    done = run("init", tmp_path / "my rides")
    assert done.code == 0
    assert f"pagerdrill features apply -C '{tmp_path / 'my rides'}'" in done.err
    assert run("apply", "-C", tmp_path / "my rides").code == 0


def test_teardown_keeps_sources_and_asks(rides: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", _no)
    assert run("teardown").code == 130
    served(run)
    assert run("teardown", "--yes").code == 0
    files = [path for path in rides.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    left = sorted(path.relative_to(rides).as_posix() for path in files)
    assert left == ["data/source/driver_stats.parquet", "definitions.py", "feature_store.yaml"]
    assert run("apply").code == run("materialize-incremental").code == 0
    served(run)


def _no(*_: object, **__: object) -> None:
    import typer

    raise typer.Abort


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(:\n", "definitions.py:1:7: SyntaxError"),
        ("1/0\n", "definitions.py:1:1: ZeroDivisionError"),
        ("def f(): f()\nf()\n", "RecursionError"),
        ("import sys\nsys.exit()\n", "definitions.py:2:1: SystemExit"),
        ("import not_there\n", "No module named 'not_there'"),
        ("print('no data')\n", "nothing is declared"),
    ],
)
def test_definitions_that_fail_change_nothing(code: str, said: str, rides: Path, run: Run) -> None:
    before = served(run)
    kept = (rides / "definitions.py").read_text()
    (rides / "definitions.py").write_text(code)
    refused(run, said, "plan")
    refused(run, said, "apply")
    (rides / "definitions.py").write_text(kept)
    assert served(run) == before


def test_what_definitions_print_is_no_data(rides: Path, run: Run) -> None:
    path = rides / "definitions.py"
    path.write_text(path.read_text() + "print('hello')\n")
    done = run("plan", "--json")
    assert json.loads(done.out) == {"edits": [], "refused": 0}
    assert "hello" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entitties: []\n", 'more.yaml:1:1: unknown key "entitties"\n  did you mean "entities"?'),
        ("entities: [\n", "more.yaml:2:1"),
        ("", "more.yaml:1:1: the document is empty"),
        ("entities:\n  - {name: driver, join_keys: [other]}\n", 'two different declarations of entity "driver"'),
        ("feature_views:\n  - {name: v, entities: [driver], source: hourly, features: [{name: x, type: Int64}]}\n",
         'source "hourly" is not declared\n  did you mean "hourly_stats"?'),
        ("feature_views:\n  - {name: v, entities: [driver], source: hourly_stats, features: [{name: x, type: Flot}]}\n",
         "more.yaml:2:"),
        ("x" * 600_000, "larger than 512 KiB"),
        ("[" * 1000, "nested more than 40 levels deep"),
    ],
)  # fmt: skip
def test_yaml_with_mistakes_is_named_with_its_place(text: str, said: str, rides: Path, run: Run) -> None:
    (rides / "more.yaml").write_text(text)
    refused(run, said, "plan")


def test_names_may_have_any_letters(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"водитель": [1], "event_timestamp": [datetime.now(UTC)], "оценка": [4.5]}), "дни.parquet")
    Path("f.yaml").write_text(
        "entities: [{name: 司机, join_keys: [водитель]}]\nsources: [{name: Tage, path: дни.parquet}]\n"
        "feature_views:\n  - {name: вид, entities: [司机], source: Tage, features: [{name: оценка, type: Float64}]}\n"
    )
    assert run("apply").code == run("materialize-incremental", "вид").code == run("compact").code == 0
    assert "4.5" in run("get", "вид:оценка", "-e", "водитель=1").out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data/registry.json", "delete it and apply again"),
        ("data/online.db", "move the file away and materialize again"),
        ("data/progress/driver_stats.json", "is damaged"),
    ],
)
def test_a_damaged_file_of_the_store_is_named_and_left(path: str, said: str, rides: Path, run: Run) -> None:
    for part in ("-wal", "-shm"):
        Path(path + part).unlink(missing_ok=True)
    Path(path).write_bytes(b"{garbage" * 500)
    refused(run, said, "materialize-incremental")
    assert Path(path).read_bytes() == b"{garbage" * 500


def test_damaged_pushes_are_named(rides: Path, run: Run) -> None:
    """They are history that stands nowhere else."""
    write_rows("p.csv", "2026-01-01")
    assert run("push", "driver_stats_push", "p.csv", "--to", "both").code == 0
    (pushed,) = Path("data/offline/driver_stats").glob("*.parquet")
    pushed.write_bytes(b"PAR1")
    Path("l.csv").write_text(LABELS.format("2026-02-01"))
    refused(run, "push its rows again", "training-set", "l.csv", RATING, "-o", "out.parquet")


def test_redis_that_does_not_answer_is_named(rides: Path, run: Run) -> None:
    Path("feature_store.yaml").write_text('online_store: {type: redis, url: "redis://127.0.0.1:1/0"}\n')
    refused(run, "Redis does not answer", "get", RATING, "-e", "driver_id=1001")


def test_a_port_that_is_taken_is_named(rides: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(run, "choose another port", "serve", "--port", taken.getsockname()[1])


def test_an_interrupted_run_is_130_and_goes_on(rides: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in [*Path("data").glob("online.db*"), *Path("data/progress").iterdir()]:
        path.unlink()
    write, writes = SqliteOnlineStore.write, []

    def interrupted(self: SqliteOnlineStore, *arguments: object) -> int:
        writes.append(0)
        if len(writes) == 3:
            raise KeyboardInterrupt
        return write(self, *arguments)  # type: ignore[arg-type]

    # Small steps, as of a source with many more rows.
    monkeypatch.setattr(
        Materialization.__init__, "__defaults__", (None, 0, 4096, *Materialization.__init__.__defaults__[3:])
    )
    monkeypatch.setattr(SqliteOnlineStore, "write", interrupted)
    done = run("materialize-incremental")
    assert (done.code, done.out) == (130, "")
    assert "goes on where this one stopped" in done.err
    assert done.err.endswith("interrupted\n")
    before = json.loads(Path("data/progress/driver_stats.json").read_text())["unfinished"]["position"]
    assert before > 0
    done = run("materialize-incremental")
    assert done.code == 0
    assert "36,000" in done.out
    assert served(run)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "/data/x: No space left on device\n  make room"),
        (OSError(errno.EACCES, "Permission denied", "x"), "x: Permission denied\n  grant access"),
        (OSError(errno.EROFS, "Read-only file system", "x"), "can be written"),
        (OSError("odd"), "odd\n  check the path"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(
    error: OSError, said: str, rides: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    assert said in str(machine_error(error))
    monkeypatch.setattr(FeatureStore, "compact", fail)
    refused(run, said, "compact")


def test_too_little_memory_is_said(rides: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(FeatureStore, "compact", fail)
    refused(run, "not enough memory", "compact")

"""The sorted copy answers as the source does, or says why it is not used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.join.engine import ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.scan import open_rows
from reference_platform.features.join.sorted_layout import (
    MANIFEST,
    SortedLayout,
    Unusable,
    answers_from_layout,
    compact,
    open_layout,
)
from reference_platform.features.join.spec import JoinSpec
from tests.unit.reference_platform.features.engines.questions import (
    SOURCE,
    Cut,
    content,
    random_labels,
    random_rows,
    spec_of,
    write_folder,
)


def _opened(folder: Path, sha256: str = "a") -> SortedLayout:
    layout = open_layout(folder, sha256)
    assert isinstance(layout, SortedLayout), layout
    return layout


def _made(folder: Path, rows: pa.Table, spec: JoinSpec, part_rows: int = 1000) -> SortedLayout:
    compact(folder, Cut(rows, 37), spec.rows, "a", total_rows=rows.num_rows, part_rows=part_rows)
    return _opened(folder)


@pytest.mark.parametrize("part_rows", [40, 1000])
@pytest.mark.parametrize(
    ("ttl_us", "known", "sequence"), [(None, True, None), (7, True, "number"), (0, False, None), (20, False, "number")]
)
def test_it_answers_as_the_source_does(
    tmp_path: Path, part_rows: int, ttl_us: int | None, known: bool, sequence: str | None
) -> None:
    for seed in range(4):
        rng = np.random.default_rng([seed, part_rows])
        rows, labels = random_rows(rng, 300), random_labels(rng, 100)
        spec = spec_of(ttl_us=ttl_us, known=known, sequence=sequence)
        mine = _made(tmp_path / str(seed), rows, spec, part_rows).answers(labels, spec)
        wanted = view_answers(InProcessEngine(), labels, ViewJoin(Cut(rows, 50), spec))
        assert mine is not None
        assert content(mine.table) == content(wanted.table)
        assert (mine.event_us == wanted.event_us).all()
        assert (mine.found == wanted.found).all()
        assert (mine.row_sequence == wanted.row_sequence).all()


@pytest.mark.parametrize("sparse", [1, 1_000_003])
@pytest.mark.parametrize("created", ["seen", None])
def test_one_key_of_integers(tmp_path: Path, sparse: int, created: str | None) -> None:
    rng = np.random.default_rng(sparse)
    rows, labels = random_rows(rng, 300, 60, 50), random_labels(rng, 200, 60, 60)
    rows = rows.set_column(0, "driver", pa.array(rows["driver"].cast(pa.int64()).to_numpy() * sparse, from_pandas=True)
                           .cast(pa.int64()))  # fmt: skip
    labels = labels.set_column(2, "driver_id", pa.array(labels["driver_id"].to_numpy() * sparse, from_pandas=True)
                               .cast(pa.int64()))  # fmt: skip
    spec = spec_of(ttl_us=15)
    spec = replace(spec, label_keys=("driver_id",), rows=replace(spec.rows, keys=("driver",), created=created))
    mine = _made(tmp_path, rows, spec).answers(labels, spec)
    wanted = view_answers(InProcessEngine(), labels, ViewJoin(Cut(rows, 50), spec))
    assert mine is not None
    assert content(mine.table) == content(wanted.table)


def test_no_keys_no_rows_and_no_labels(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows, labels, spec = random_rows(rng, 50), random_labels(rng, 20), spec_of()
    lone = replace(spec, label_keys=(), rows=replace(spec.rows, keys=()))
    for name, table, question in (("lone", rows, lone), ("empty", rows.slice(0, 0), spec)):
        (tmp_path / name).mkdir()
        write_folder(table, tmp_path / name, 1, 10)
        source = open_rows(SOURCE, tmp_path / name)
        folder = tmp_path / f"{name}-sorted"
        compact(folder, source, question.rows, "a", total_rows=source.rows)
        for asked in (labels, labels.slice(0, 0)):
            mine = _opened(folder).answers(asked, question)
            assert mine is not None
            assert content(mine.table) == content(
                view_answers(InProcessEngine(), asked, ViewJoin(source, question)).table
            )


def test_the_manifest_says_what_is_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows, spec = random_rows(rng, 100), spec_of()
    manifest = _made(tmp_path, rows, spec, 30).manifest
    assert len(manifest.parts) == 4
    assert manifest.rows == sum(
        None not in row for row in zip(*(rows[n].to_pylist() for n in ("driver", "city")), strict=True)
    )
    assert manifest.schema["at"] == "timestamp[us, tz=UTC]"
    assert manifest.parts[0].least[0] == "0"
    assert manifest == type(manifest).from_json(manifest.to_json())


def test_a_new_layout_replaces_the_old_one_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows, spec = random_rows(rng, 100), spec_of()
    _made(tmp_path, rows, spec, 30)
    old = {path for path in tmp_path.iterdir() if path.is_dir()}
    _made(tmp_path, rows.slice(50), spec)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()}.isdisjoint(path.name for path in old)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_failed_compaction_keeps_the_old_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    rows, spec = random_rows(rng, 100), spec_of()
    _made(tmp_path, rows, spec)
    floats = rows.set_column(0, "driver", pa.array(np.arange(100) + 0.5))
    with pytest.raises(CommandError, match="cannot be kept sorted"):
        compact(tmp_path, Cut(floats, 10), spec.rows, "b", total_rows=100)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    assert _opened(tmp_path).manifest.source_sha256 == "a"


def _damage(folder: Path, how: str) -> None:
    largest = max(folder.rglob("rows.arrow"), key=lambda path: path.stat().st_size, default=folder)
    if how == "cut":
        largest.write_bytes(largest.read_bytes()[:-10])
    elif how == "changed":
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 1
        largest.write_bytes(bytes(data))
    elif how == "gone":
        largest.unlink()
    elif how == "manifest cut":
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:-20])
    elif how == "manifest changed":
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace('"driver"', '"city"', 1))


@pytest.mark.parametrize("how", ["cut", "changed", "gone", "manifest cut", "manifest changed", "stale", "absent"])
def test_damage_is_found_and_the_source_answers(tmp_path: Path, how: str) -> None:
    rng = np.random.default_rng(7)
    rows, labels, spec = random_rows(rng, 200), random_labels(rng, 50), spec_of()
    if how != "absent":
        _made(tmp_path, rows, spec)
    _damage(tmp_path, how)
    layout = open_layout(tmp_path, "b" if how == "stale" else "a")
    assert isinstance(layout, Unusable)
    join = ViewJoin(Cut(rows, 50), spec)
    answers, reason = answers_from_layout(layout, InProcessEngine(), labels, join)
    assert reason
    assert content(answers.table) == content(view_answers(InProcessEngine(), labels, join).table)


def test_questions_it_was_not_made_for_go_to_the_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    rows, labels, spec = random_rows(rng, 100), random_labels(rng, 20), spec_of()
    layout = _made(tmp_path, rows, spec)
    fewer = replace(spec, rows=replace(spec.rows, features=("c0", "x")), outputs=("c0", "x"))
    other = replace(spec, rows=replace(spec.rows, sequence="number"))
    engine = InProcessEngine()
    for question, why in ((fewer, ""), (other, "other columns")):
        answers, reason = answers_from_layout(layout, engine, labels, ViewJoin(Cut(rows, 50), question))
        assert why in reason
        assert bool(why) == bool(reason)
        wanted = view_answers(engine, labels, ViewJoin(Cut(rows, 50), question))
        assert content(answers.table) == content(wanted.table)
    text = labels.set_column(2, "driver_id", labels["driver_id"].cast(pa.string()))
    with pytest.raises(CommandError, match="holds text"):
        answers_from_layout(layout, engine, text, ViewJoin(Cut(rows, 50), spec))


def test_a_changed_source_makes_it_stale(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    rows, spec = random_rows(rng, 100), spec_of()
    write_folder(rows, tmp_path, 2, 20)
    source = open_rows(SOURCE, tmp_path)
    compact(tmp_path / "sorted", source, spec.rows, source.fingerprint(), total_rows=source.rows, part_rows=30)
    assert isinstance(open_layout(tmp_path / "sorted", open_rows(SOURCE, tmp_path).fingerprint()), SortedLayout)
    pq.write_table(rows.slice(0, 3), tmp_path / "rows" / "002.parquet")
    assert isinstance(open_layout(tmp_path / "sorted", open_rows(SOURCE, tmp_path).fingerprint()), Unusable)

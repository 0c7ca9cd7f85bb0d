"""The store's own copy of a view's rows, sorted by key and time: a join finds its answers instead of reading past them.

A copy is only ever used for the exact source it was made of; whatever is stale, missing or damaged is a reason to read
the source. Files are written beside the old ones and named by one manifest, which is replaced as a whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reference_platform.errors import CommandError
from reference_platform.features.join.engine import Engine, Rows, ViewAnswers, ViewJoin, scan_rows, view_answers
from reference_platform.features.join.in_process import Spilled, Whole
from reference_platform.features.join.labels import column_of
from reference_platform.features.join.partitioning import POSITION, Stream, partition_numbers
from reference_platform.features.join.sorted_part import (
    Integers,
    SortedPart,
    UnsortableError,
    comparable,
    versions_of,
    write_part,
)
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.times import NEVER_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS = 2_000_000
"""Rows sorted in memory at a time."""
MANIFEST = "manifest.json"
_VERSION = 1
_HASH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of some keys: folder within the layout, how many, and least and greatest value of each key column."""

    folder: str
    rows: int
    least: tuple[str, ...]
    greatest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a layout holds, of which source. `files`: path within the layout to size in bytes and SHA-256."""

    source_sha256: str
    columns: RowColumns
    schema: dict[str, str]
    key_kinds: tuple[str, ...]
    parts: tuple[Part, ...]
    files: dict[str, tuple[int, str]]

    @property
    def rows(self) -> int:
        """Rows with a key and an event."""
        return sum(part.rows for part in self.parts)

    def to_json(self) -> str:
        """As written, with a checksum over itself."""
        body = {"version": _VERSION, **asdict(self)}
        return json.dumps({**body, "sha256": _sha256_of_json(body)}, indent=1)

    @staticmethod
    def from_json(text: str) -> Manifest:
        """Raises ValueError, KeyError or TypeError when it is not what `to_json` wrote."""
        body = json.loads(text)
        if _sha256_of_json({name: value for name, value in body.items() if name != "sha256"}) != body["sha256"]:
            raise ValueError("its checksum is wrong")
        if body["version"] != _VERSION:
            raise ValueError(f"it has version {body['version']}")
        columns = body["columns"]
        return Manifest(
            body["source_sha256"],
            RowColumns(
                tuple(columns["keys"]), columns["event"], columns["created"], columns["sequence"],
                tuple(columns["features"]),
            ),
            dict(body["schema"]),
            tuple(body["key_kinds"]),
            tuple(
                Part(part["folder"], part["rows"], tuple(part["least"]), tuple(part["greatest"]))
                for part in body["parts"]
            ),
            {name: (size, sha) for name, (size, sha) in body["files"].items()},
        )  # fmt: skip


def _sha256_of_json(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def compact(
    folder: Path, rows: Rows, columns: RowColumns, source_sha256: str, *, total_rows: int, part_rows: int = PART_ROWS
) -> Manifest:
    """Write the layout of `rows` to `folder`, in place of what it held. Memory stays at a few times `part_rows` rows.

    `source_sha256` is the fingerprint of the source, taken before. Raises CommandError for keys that cannot be sorted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(
        dict.fromkeys(
            [*columns.keys, columns.event, *filter(None, (columns.created, columns.sequence)), *columns.features]
        )
    )
    with _locked(folder):
        home = Path(tempfile.mkdtemp(prefix="rows-", dir=folder))
        try:
            stream = scan_rows(rows, names, None, None)
            cut = Whole(stream) if total_rows <= part_rows else Spilled(
                stream, len(columns.keys), -(-total_rows // part_rows), home
            )  # fmt: skip
            folders = [home / f"part-{index:04}" for index in range(len(cut))]
            sorted_parts = [_sort(part, cut.open(index), names, columns) for index, part in enumerate(folders)]
            cut.close()
            files = {
                str(path.relative_to(folder)): _checked(path) for part in folders for path in sorted(part.iterdir())
            }
            schema = {name: str(cut.schema.field(index).type) for index, name in enumerate(names)}
            parts = tuple(
                replace(part, folder=str(written.relative_to(folder)))
                for written, (part, _) in zip(folders, sorted_parts, strict=True)
            )
            manifest = Manifest(source_sha256, columns, schema, sorted_parts[0][1], parts, files)
            _replace(folder / MANIFEST, manifest.to_json())
        except BaseException as error:
            shutil.rmtree(home, ignore_errors=True)
            if isinstance(error, UnsortableError):
                raise CommandError(
                    "these rows cannot be kept sorted", why=str(error), fix="use them as they are"
                ) from error
            raise
        for old in folder.glob("rows-*"):
            if old != home:
                shutil.rmtree(old, ignore_errors=True)
    return manifest


def _sort(home: Path, stream: Stream, names: Sequence[str], columns: RowColumns) -> tuple[Part, tuple[str, ...]]:
    """One part, written to `home`, and the kinds of the keys."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = stream.read_all()
    named = {name: table.column(index) for index, name in enumerate(names)}
    keys = [named[name] for name in columns.keys]
    kinds = tuple(comparable(key.slice(0, 0))[1] for key in keys)
    number = table.column(POSITION) if columns.sequence is None else named[columns.sequence]
    sequence = number.combine_chunks().cast(pa.int64()).fill_null(NEVER_US).to_numpy(zero_copy_only=False)
    created = None if columns.created is None else named[columns.created]
    features = pa.Table.from_arrays(
        [named[name] for name in columns.features], names=[f"c{index}" for index in range(len(columns.features))]
    )
    rows = write_part(home, keys, versions_of(named[columns.event], created, sequence), features)
    ends = [pc.min_max(comparable(key)[0]).as_py() for key in keys]
    least, greatest = (tuple(str(end[which]) for end in ends) for which in ("min", "max"))
    return Part(home.name, rows, least, greatest), kinds


class SortedLayout:
    """An opened layout. What it answers is what a join with its source answers."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._parts = [SortedPart(folder / part.folder, len(manifest.columns.keys)) for part in manifest.parts]

    def can_answer(self, spec: JoinSpec) -> bool:
        """Whether the layout was made for these columns."""
        mine, theirs = self.manifest.columns, spec.rows
        return (mine.keys, mine.event, mine.created, mine.sequence) == (
            theirs.keys, theirs.event, theirs.created, theirs.sequence
        ) and set(theirs.features) <= set(mine.features)  # fmt: skip

    def answers(self, labels: pa.Table, spec: JoinSpec) -> ViewAnswers | None:
        """One answer per label, in order; None for labels whose keys are of another kind, which only a join explains.

        Raises CommandError for a missing column and for what is no time.
        """
        assert self.can_answer(spec), "a layout of other columns"
        time_us, valid = to_us(column_of(labels, spec.label_time, "the labels"), f'label column "{spec.label_time}"')
        try:
            typed = [comparable(column_of(labels, name, "the labels")) for name in spec.label_keys]
        except UnsortableError:
            return None
        if tuple(kind for _, kind in typed) != self.manifest.key_kinds:
            return None
        keys = [column for column, _ in typed]
        features = [self.manifest.columns.features.index(name) for name in spec.rows.features]
        if len(self._parts) == 1:
            return _answers_of(self._parts[0], keys, time_us, valid, features, spec)
        part = partition_numbers(keys, len(time_us), len(self._parts))
        places = [np.flatnonzero(part == index) for index in range(len(self._parts))]
        found = [
            _answers_of(mine, [key.take(place) for key in keys], time_us[place], valid[place], features, spec)
            for mine, place in zip(self._parts, places, strict=True)
        ]
        return _in_order(found, places)


def _answers_of(
    part: SortedPart, keys: Sequence[Any], time_us: Integers, valid: Any, features: Sequence[int], spec: JoinSpec
) -> ViewAnswers:
    row = part.find(keys, time_us, valid, spec.ttl_us, spec.known_at_label)
    return ViewAnswers(part.answers(row, features, spec.outputs), part.event_us(row), row >= 0, part.sequence(row))


def _in_order(found: Sequence[ViewAnswers], places: Sequence[Integers]) -> ViewAnswers:
    import pyarrow as pa

    place = np.concatenate(places)
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    return ViewAnswers(
        pa.concat_tables([answers.table for answers in found]).take(pa.array(order)),
        np.concatenate([answers.event_us for answers in found])[order],
        np.concatenate([answers.found for answers in found])[order],
        np.concatenate([answers.row_sequence for answers in found])[order],
    )


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a layout is not used."""

    reason: str


def open_layout(folder: Path, source_sha256: str, *, verify: bool = True) -> SortedLayout | Unusable:
    """The layout in `folder` if it is whole and of this source. `verify`: read every byte once, not only the sizes."""
    import pyarrow as pa

    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Unusable("there is none")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Unusable(f"its manifest is damaged: {error}")
    if manifest.source_sha256 != source_sha256:
        return Unusable("it was made of another state of the source")
    try:
        for name, (size, sha256) in manifest.files.items():
            path = folder / name
            if path.stat().st_size != size or (verify and _checked(path)[1] != sha256):
                return Unusable(f"{name} is damaged")
        return SortedLayout(folder, manifest)
    except (OSError, pa.ArrowException) as error:
        return Unusable(f"it cannot be read: {str(error).splitlines()[0]}")


def answers_from_layout(
    layout: SortedLayout | Unusable, engine: Engine, labels: pa.Table, join: ViewJoin
) -> tuple[ViewAnswers, str]:
    """Answers from `layout` where it can give them, from the source where it cannot; and why not, or nothing."""
    if isinstance(layout, Unusable):
        return view_answers(engine, labels, join), layout.reason
    if not layout.can_answer(join.spec):
        return view_answers(engine, labels, join), "it was made for other columns"
    answers = layout.answers(labels, join.spec)
    if answers is None:
        return view_answers(engine, labels, join), "its keys are of another kind than the labels'"
    return answers, ""


def _checked(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BYTES):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield

"""What `features` commands take and give: folders, instants, entities, tables, and values as text."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reference_platform.errors import CommandError, ContentError
from tui.commands.feature_completions import complete_view

if TYPE_CHECKING:
    from reference_platform.features.definition_set import DefinitionSet
    from reference_platform.features.store import FeatureStore
    from reference_platform.features.types import FeatureType

Repo = Annotated[
    Path, typer.Option("--repo", "-C", help="Folder of definitions.", exists=True, file_okay=False, resolve_path=True)
]
HERE = Path()
Views = Annotated[
    list[str] | None, typer.Argument(help="Feature views; all if left out.", autocompletion=complete_view)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
FullNames = Annotated[bool, typer.Option("--full-names", help="Call features VIEW__FEATURE, so that none clash.")]
Role = Annotated[str, typer.Option("--role", help="Read as this role: grants decide on personal data.")]
Purpose = Annotated[str, typer.Option("--purpose", help="What for: a grant holds for one purpose.")]
CELL_CHARACTERS_MAX = 60
INSTANTS = "write 2026-03-01, 2026-03-01T12:00:00 or 2026-03-01T12:00:00Z"


def opened(repo: Path, *, applied: bool = True) -> FeatureStore:
    """The store in `repo`. Raises CommandError when something must be `applied` and nothing is."""
    from reference_platform.live.opening import open_store

    # What definitions print while they are read is no data.
    with redirect_stdout(sys.stderr):
        store = open_store(repo)
    if applied and not store.definitions.objects():
        found = any(
            path.name != "feature_store.yaml" for kind in ("py", "yaml", "yml") for path in repo.glob(f"*.{kind}")
        )
        raise CommandError(
            f"nothing is applied in {repo}",
            fix="pagerdrill features apply"
            if found
            else "name the folder with -C, or make one: pagerdrill features init",
        )
    return store


def declared(store: FeatureStore) -> DefinitionSet:
    """What the folder's files say. Raises CommandError when they say nothing: that would remove everything."""
    with redirect_stdout(sys.stderr):
        found = store.read_repository()
    if found.objects():
        return found
    kept = len(store.definitions.objects())
    why = "it has no .py or .yaml file that declares an entity, a source, a view or a service"
    if kept:
        raise CommandError(
            f"nothing is declared in {store.repo_path}",
            why=f"{why}, but {kept} declarations are applied, and all would go",
            fix="bring the files back, or delete everything: pagerdrill features teardown",
        )
    raise CommandError(
        f"nothing is declared in {store.repo_path}",
        why=why,
        fix="write one, name another folder with -C, or make an example: pagerdrill features init NEW-FOLDER",
    )


def instant_of(text: str) -> datetime:
    """An instant as people write it; without a zone it is UTC. Raises CommandError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f'"{text[:60]}" is no instant', fix=INSTANTS) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def span_us(since: str, until: str) -> tuple[int | None, int | None]:
    """Both ends in microseconds, None where nothing was given. Raises CommandError when nothing lies between them."""
    from reference_platform.features.times import instant_us

    start, end = (instant_us(instant_of(text)) if text else None for text in (since, until))
    if start is not None and end is not None and start >= end:
        raise CommandError(f"nothing lies between {since} and {until}", fix="give --since before --until")
    return start, end


def asked_features(features: Sequence[str]) -> str | tuple[str, ...]:
    """One word without a colon is a service; everything else is features."""
    return features[0] if len(features) == 1 and ":" not in features[0] else tuple(features)


def entity_row(texts: Iterable[str], kinds: Mapping[str, FeatureType]) -> dict[str, Any]:
    """`NAME=VALUE ...` as one row; `kinds` are the declared types. Raises CommandError.

    What does not fit its type stays text: the store says so, to those who may know of it.
    """
    row: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandError(f'"{text[:60]}" is no key', fix="write NAME=VALUE, such as driver_id=1001")
        if name in row:
            raise CommandError(f'"{name[:60]}" is given twice', fix="ask for one entity at a time")
        row[name] = _typed(value, kinds.get(name))
    return row


def _typed(text: str, kind: FeatureType | None) -> Any:
    from reference_platform.features.types import Bool, Float32, Float64, Int32, Int64, UnixTimestamp

    try:
        if kind in (Int32, Int64):
            return int(text) if text.lstrip("+-").isdecimal() else text
        if kind in (Float32, Float64):
            return float(text)
        if kind is Bool:
            return {"true": True, "false": False}.get(text.lower(), text)
        if kind is UnixTimestamp:
            return instant_of(text)
        return json.loads(text) if kind is not None and kind.item is not None else text
    except (ValueError, CommandError):
        return text


def table_of(path: Path, texts: Iterable[str], what: str) -> Any:
    """The Arrow table in a Parquet or CSV file; `texts`: columns that stay text, such as 007. Raises ContentError."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            # An empty cell is a null; nothing else is: NA is a country.
            options = pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in texts},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            )
            return _named(pyarrow.csv.read_csv(path, convert_options=options))
        if suffix in (".parquet", ".parq", ".pq"):
            return _named(pq.read_table(path))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).splitlines()[0][:200]
        raise ContentError(
            f"no table of {what}", where=str(path), why=said, fix="write it again, as Parquet or as CSV in UTF-8"
        ) from error
    raise ContentError(f"no table of {what}", where=str(path), fix="name it *.parquet or *.csv, after what it holds")


def _named(table: Any) -> Any:
    """`table`, once its column names were read as text. Raises UnicodeDecodeError."""
    assert all(isinstance(name, str) for name in table.column_names)
    return table


def json_text(value: Any) -> str:
    """`value` as JSON on one line; NaN and infinities as words, bytes in hexadecimal, instants in ISO 8601."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def cell(value: Any) -> str:
    """`value` as one cell of a table: on one line, not too wide."""
    text = " ".join(str(value).split())
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 3] + "..."

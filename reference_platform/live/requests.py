"""Bodies of requests, checked: what a client may ask, in which form. Everything else is refused with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from reference_platform.errors import nearest
from reference_platform.live.refusals import Kind, RefusedError

ROWS_MAX = 10_000
"""Entities in one request."""
FEATURES_MAX = 2_000
"""Features in one request."""
CELLS_MAX = 1_000_000
"""Rows times features of one answer, about 100 MB of JSON."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PUSH_MODES = ("online", "offline", "online_and_offline")


@dataclass(frozen=True, slots=True)
class OnlineRequest:
    """Entities, column by column, and either a service's name or references `view:feature`."""

    entities: dict[str, list[Any]]
    service: str
    features: tuple[str, ...]
    full_feature_names: bool
    rows: int


@dataclass(frozen=True, slots=True)
class RowsRequest:
    """Rows for a push source or, in a direct write, for a view. `transform`: the view's own code runs first."""

    name: str
    columns: dict[str, list[Any]]
    transform: bool
    to: str = "online"


@dataclass(frozen=True, slots=True)
class MaterializeRequest:
    """Which views, from when (None: from where each stands) until when."""

    start: datetime | None
    end: datetime
    views: tuple[str, ...] | None


def online_request(body: bytes) -> OnlineRequest:
    """The request in `body`. Raises RefusedError."""
    fields = _object(body)
    entities = fields.get("entities")
    if not isinstance(entities, dict):
        raise RefusedError(
            Kind.WRONG, "`entities` is missing or no object", fix='"entities": {"driver_id": [1001, 1002]}'
        )
    # Views without join keys have one row, which nobody needs to name.
    rows = _rows(entities, "entities") if entities else 1
    if rows > ROWS_MAX:
        raise RefusedError(
            Kind.WRONG, f"{rows:,} entities in one request", fix=f"ask for at most {ROWS_MAX:,} at a time"
        )
    service = fields.get("feature_service") or ""
    features = fields.get("features") or []
    if not isinstance(service, str):
        raise RefusedError(Kind.WRONG, "`feature_service` is no text", fix="give the name of a feature service")
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise RefusedError(Kind.WRONG, "`features` is no list of names", fix='"features": ["view:feature"]')
    if not service and not features:
        raise RefusedError(Kind.WRONG, "nothing is asked for", fix="give `feature_service`, or `features`")
    if len(features) > FEATURES_MAX or rows * max(1, len(features)) > CELLS_MAX:
        raise RefusedError(
            Kind.WRONG,
            f"{rows:,} entities with {len(features):,} features each is more than one answer holds",
            fix=f"ask for at most {FEATURES_MAX:,} features and {CELLS_MAX:,} values at a time",
        )
    # A version pins one form of a view; here every view has one.
    plain = tuple(_unversioned(name) for name in features) if not service else ()
    return OnlineRequest(entities, service, plain, _flag(fields, "full_feature_names"), rows)


def push_request(body: bytes) -> RowsRequest:
    """A push in `body`. Raises RefusedError."""
    fields = _object(body)
    to = fields.get("to", "online")
    if to not in _PUSH_MODES:
        why = nearest(to, _PUSH_MODES) if isinstance(to, str) else f"valid: {', '.join(_PUSH_MODES)}"
        raise RefusedError(Kind.WRONG, "`to` names no store", fix=why)
    return RowsRequest(_name(fields, "push_source_name"), _frame(fields), _transform(fields), str(to))


def write_request(body: bytes) -> RowsRequest:
    """A direct write in `body`. Raises RefusedError."""
    fields = _object(body)
    return RowsRequest(_name(fields, "feature_view_name"), _frame(fields), _transform(fields))


def materialize_request(body: bytes, *, incremental: bool, now: datetime) -> MaterializeRequest:
    """A materialisation in `body`. Raises RefusedError."""
    fields = _object(body)
    names = fields.get("feature_views")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise RefusedError(Kind.WRONG, "`feature_views` is no list of names", fix="leave it out for every view")
    if fields.get("version") is not None:
        raise RefusedError(Kind.WRONG, "`version` asks for one form of a view; each has one", fix="leave it out")
    views = None if names is None else tuple(names)
    if incremental:
        return MaterializeRequest(None, _moment(fields, "end_ts"), views)
    if _flag(fields, "disable_event_timestamp"):
        return MaterializeRequest(_EPOCH, now, views)
    start, end = _moment(fields, "start_ts"), _moment(fields, "end_ts")
    if start >= end:
        raise RefusedError(Kind.WRONG, "`start_ts` is not before `end_ts`", fix="swap them, or widen the range")
    return MaterializeRequest(start, end, views)


def _object(body: bytes) -> Mapping[str, Any]:
    if not body:
        raise RefusedError(Kind.WRONG, "the request has no body", fix="send a JSON object")
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(Kind.WRONG, f"the body is no JSON: {error.msg.split(':')[0][:80]}", why=where,
                      fix="send a JSON object in UTF-8") from None  # fmt: skip
    if not isinstance(read, dict):
        raise RefusedError(Kind.WRONG, f"the body is a JSON {_kind(read)}", fix="send a JSON object")
    return read


def _kind(value: Any) -> str:
    kinds = {list: "array", str: "string", bool: "boolean", type(None): "null", int: "number", float: "number"}
    return kinds.get(type(value), "object")


def _rows(columns: Mapping[str, Any], what: str) -> int:
    """How many rows the columns have. Raises RefusedError unless all are lists of one length."""
    if not columns:
        raise RefusedError(Kind.WRONG, f"`{what}` has no columns", fix=f'"{what}": {{"driver_id": [1001, 1002]}}')
    lengths = {}
    for name, values in columns.items():
        if not isinstance(values, list):
            raise RefusedError(
                Kind.WRONG, f'`{what}`: column "{name[:60]}" is no list', fix="give one value for each row"
            )
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name[:60]} {length:,}" for name, length in list(lengths.items())[:8])
        raise RefusedError(Kind.WRONG, f"`{what}` has columns of different lengths", why=told,
                      fix="give every column one value for each row, null where there is none")  # fmt: skip
    return next(iter(lengths.values()))


def _frame(fields: Mapping[str, Any]) -> dict[str, list[Any]]:
    frame = fields.get("df")
    if not isinstance(frame, dict):
        raise RefusedError(Kind.WRONG, "`df` is missing or no object", fix='"df": {"driver_id": [1001], "trips": [7]}')
    # Frames may also come as rows by their index, which is what some tables write by default.
    if frame and all(isinstance(column, dict) for column in frame.values()):
        frame = {name: list(column.values()) for name, column in frame.items()}
    _rows(frame, "df")
    return frame


def _name(fields: Mapping[str, Any], field: str) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not value:
        raise RefusedError(Kind.WRONG, f"`{field}` is missing or no text", fix=f'"{field}": "..."')
    return value


def _transform(fields: Mapping[str, Any]) -> bool:
    return "transform_on_write" not in fields or _flag(fields, "transform_on_write")


def _flag(fields: Mapping[str, Any], field: str) -> bool:
    value = fields.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise RefusedError(Kind.WRONG, f"`{field}` is neither true nor false", fix=f'"{field}": true')


def _moment(fields: Mapping[str, Any], field: str) -> datetime:
    """An instant; one without a zone counts as UTC."""
    value = fields.get(field)
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise RefusedError(
            Kind.WRONG, f"`{field}` is missing or no instant", fix=f'"{field}": "2026-03-01T12:00:00Z"'
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unversioned(reference: str) -> str:
    view, colon, feature = reference.partition(":")
    base, at, version = view.rpartition("@")
    return f"{base}:{feature}" if colon and at and version[:1] == "v" and version[1:].isdigit() else reference

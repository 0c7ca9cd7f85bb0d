"""What a feature is: entities, fields and batch views. Declared once; training, serving and monitoring read the same.

Argument names follow the feature store that most teams have used; what is new is keyword-only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import ContentError, nearest
from reference_platform.features.fingerprint import code_sha256
from reference_platform.features.naming import checked_name
from reference_platform.features.sources import LOG_TIMES, Source
from reference_platform.features.types import KEY_TYPES, FeatureType, Int64, ValueType

Columns = Mapping[str, NDArray[np.generic]]
"""Columnar records: equal-length arrays by column name."""

Transformation = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Columns in, columns out, row for row: the one piece of code behind history, writes and requests."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One feature. `pii` names its class of personal data, such as `email`; reading it then takes a grant."""

    name: str
    dtype: FeatureType
    description: str = ""
    tags: Mapping[str, str] | None = attribute(default=None, hash=False)
    unit: str = ""
    pii: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "feature")
        if not isinstance(self.dtype, FeatureType):
            raise ContentError(f"feature {self.name} has no valid dtype", fix="dtype=Float32, Int64, String, ...")
        object.__setattr__(self, "tags", dict(self.tags or {}))


@dataclass(frozen=True)
class Entity:
    """A kind of thing that features describe.

    `key_count`: the keys are the integers 0 .. key_count-1, so that stores may hold them as dense columns.
    """

    name: str
    join_keys: tuple[str, ...] = ()
    value_type: FeatureType | ValueType = Int64
    description: str = ""
    tags: Mapping[str, str] | None = attribute(default=None, hash=False)
    owner: str = ""
    key_count: int | None = None

    def __post_init__(self) -> None:
        checked_name(self.name, "entity")
        kind = self.value_type.feature_type if isinstance(self.value_type, ValueType) else self.value_type
        if kind not in KEY_TYPES:
            allowed = ", ".join(key.name for key in KEY_TYPES)
            raise ContentError(f"entity {self.name} has keys of type {kind}", fix=f"keys are one of {allowed}")
        object.__setattr__(self, "value_type", kind)
        keys: Any = self.join_keys
        object.__setattr__(self, "join_keys", (keys,) if isinstance(keys, str) else tuple(keys or ()) or (self.name,))
        object.__setattr__(self, "tags", dict(self.tags or {}))

    @property
    def key_type(self) -> FeatureType:
        """Type of its join keys."""
        assert isinstance(self.value_type, FeatureType)
        return self.value_type

    @property
    def count(self) -> int:
        """How many keys there are, for an entity that declares it."""
        assert self.key_count is not None, f"entity {self.name} declares no key_count"
        return self.key_count


@dataclass(frozen=True, kw_only=True)
class FeatureView:
    """Features of one or more entities, computed together from one source. `ttl` 0 means valid forever."""

    name: str
    source: Source
    schema: tuple[Field, ...]
    entities: tuple[Entity, ...] = ()
    ttl: timedelta | None = timedelta(0)
    online: bool = True
    description: str = ""
    tags: Mapping[str, str] | None = attribute(default=None, hash=False)
    owner: str = ""
    freshness_sla: timedelta | None = None
    """Values older than this break the promise made to the models that read them."""
    every: timedelta | None = None
    """Pause between two runs of its materialisation job."""
    transformation: Transformation | None = None
    """Applied to the source's columns, offline and before every write."""

    def __post_init__(self) -> None:
        checked_name(self.name, "feature view")
        lengths = {"ttl": self.ttl or None, "freshness_sla": self.freshness_sla, "every": self.every}
        _check_kinds(f"view {self.name}", self.entities or (), self.source, self.schema, lengths)
        entities = tuple(self.entities or ())
        keys = [key for entity in entities for key in entity.join_keys]
        # A schema may repeat the join keys, as others require; they are no features.
        fields = tuple(field for field in self.schema if field.name not in keys)
        if not fields:
            raise ContentError(f"view {self.name} has no features", fix='schema=[Field(name="x", dtype=Float32)]')
        _check_unique([field.name for field in fields], f"view {self.name}: feature")
        _check_unique(keys, f"view {self.name}: join key")
        for taken in {*keys, *(field.name for field in fields)} & {*LOG_TIMES}:
            raise ContentError(
                f'view {self.name}: "{taken}" is what the store calls its own', fix="choose another name"
            )
        ttl = self.ttl or timedelta(0)
        if ttl < timedelta(0):
            raise ContentError(f"view {self.name} has a negative ttl", fix="ttl=timedelta(hours=2); 0 means forever")
        object.__setattr__(self, "entities", entities)
        object.__setattr__(self, "schema", fields)
        object.__setattr__(self, "ttl", ttl)
        object.__setattr__(self, "tags", dict(self.tags or {}))

    @property
    def entity(self) -> Entity:
        """Its entity, for a view of exactly one."""
        (only,) = self.entities
        return only

    @property
    def join_keys(self) -> tuple[str, ...]:
        """Names of the columns that say which entity a row describes."""
        return tuple(key for entity in self.entities for key in entity.join_keys)

    @property
    def key_types(self) -> tuple[FeatureType, ...]:
        """Types of `join_keys`, in their order."""
        return tuple(entity.key_type for entity in self.entities for _ in entity.join_keys)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(field.name for field in self.schema)

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.schema)

    @property
    def ttl_us(self) -> int | None:
        """Microseconds after which a value no longer counts (exactly this old still does); None means never."""
        return None if not self.ttl else self.ttl // timedelta(microseconds=1)

    @property
    def ttl_s(self) -> float:
        """`ttl` in seconds; inf when it is 0."""
        return self.ttl.total_seconds() if self.ttl else math.inf

    @property
    def freshness_sla_s(self) -> float:
        """`freshness_sla` in seconds; inf when nothing is promised."""
        return self.freshness_sla.total_seconds() if self.freshness_sla else math.inf

    @property
    def every_s(self) -> float:
        """`every` in seconds, for a view with a materialisation job."""
        assert self.every is not None, f"view {self.name} has no schedule"
        return self.every.total_seconds()

    @property
    def code_sha256(self) -> str:
        """Fingerprint of the code that computes it; empty when rows are taken as they come."""
        return code_sha256(self.transformation) if self.transformation else ""

    def field(self, name: str) -> Field:
        """The feature called `name`. Raises ContentError with the nearest valid name."""
        for field in self.schema:
            if field.name == name:
                return field
        raise ContentError(f'view {self.name} has no feature "{name[:60]}"', fix=nearest(name, self.feature_names))

    def __getitem__(self, features: Sequence[str]) -> FeatureViewProjection:
        """Some of its features: `view[["f1", "f2"]]`."""
        return FeatureViewProjection(self, tuple(self.field(name).name for name in features))

    def with_name(self, name: str) -> FeatureViewProjection:
        """All of its features under another view name."""
        return FeatureViewProjection(self, self.feature_names).with_name(name)

    def with_join_key_map(self, renamed: Mapping[str, str]) -> FeatureViewProjection:
        """All of its features, looked up by other columns: `{"location_id": "origin_id"}`."""
        return FeatureViewProjection(self, self.feature_names).with_join_key_map(renamed)


BatchFeatureView = FeatureView


@dataclass(frozen=True)
class FeatureViewProjection:
    """Some features of a view, perhaps under another name and looked up by other columns."""

    view: FeatureView
    features: tuple[str, ...]
    name: str = ""
    join_key_map: Mapping[str, str] | None = attribute(default=None, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.view.name)
        object.__setattr__(self, "join_key_map", dict(self.join_key_map or {}))

    @property
    def join_keys(self) -> tuple[str, ...]:
        """The columns to look up by, after renaming."""
        renamed = self.join_key_map or {}
        return tuple(renamed.get(key, key) for key in self.view.join_keys)

    def with_name(self, name: str) -> FeatureViewProjection:
        """The same under another view name."""
        return replace(self, name=checked_name(name, "feature view"))

    def with_join_key_map(self, renamed: Mapping[str, str]) -> FeatureViewProjection:
        """The same, looked up by other columns. Raises ContentError for a column that is no join key."""
        for key in renamed:
            if key not in self.view.join_keys:
                raise ContentError(f'"{key}" is no join key of {self.view.name}', fix=nearest(key, self.view.join_keys))
        return replace(self, join_key_map=dict(renamed))


def _check_kinds(where: str, entities: Any, source: Any, schema: Any, lengths: Mapping[str, Any]) -> None:
    """Raise ContentError for an argument of another kind than declared, before anything computes with it."""
    if isinstance(entities, Entity | str) or not all(isinstance(entity, Entity) for entity in entities):
        raise ContentError(f"{where}: {str(entities)[:60]} is no list of entities", fix="entities=[driver]")
    if not isinstance(source, Source):
        raise ContentError(
            f"{where}: {str(source)[:60]} is no source", fix='source=FileSource(path="data/rides.parquet")'
        )
    for field in schema:
        if not isinstance(field, Field):
            raise ContentError(f"{where}: {str(field)[:60]} is no Field", fix='schema=[Field(name="x", dtype=Float32)]')
    for name, length in lengths.items():
        if not isinstance(length, timedelta | None):
            raise ContentError(f"{where}: {name}={length!r} has no unit", fix=f"{name}=timedelta(hours=2)")


def _check_unique(names: Sequence[str], what: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ContentError(f'{what} "{name}" is declared twice', fix="give each its own name")

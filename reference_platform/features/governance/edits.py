"""What differs between two sets of declarations, attribute by attribute, and whether it can break a reader.

Breaking: a feature goes; it gets another type, unit, source, code, window, key or meaning; it answers less often (a
shorter ttl, no longer online); readers lose it (it became personal data). Taking `pii` off a field uncovers personal
data, which is treated as breaking whoever reads it. Everything else is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import KafkaSource, PushSource, Source
from reference_platform.features.stream_views import Aggregation, StreamFeatureView

Action = Literal["added", "changed", "removed"]
Kind = Literal["entity", "source", "feature view", "on-demand view", "feature", "service"]
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference. `attribute` is empty when a whole object came or went; `why` says what a breaking edit breaks.

    `features`: the references whose values it touches, before on-demand views are followed.
    """

    action: Action
    kind: Kind
    name: str
    attribute: str = ""
    before: str = ""
    after: str = ""
    why: str = ""
    features: tuple[str, ...] = ()
    uncovers: bool = False
    owner: str = ""

    @property
    def breaking(self) -> bool:
        """Whether a reader may get something else than before."""
        return bool(self.why)

    def __str__(self) -> str:
        if not self.attribute:
            return f"{self.kind} {self.name}"
        return f"{self.kind} {self.name}: {self.attribute} {self.before or 'none'} -> {self.after or 'none'}"


def edits(before: DefinitionSet, after: DefinitionSet) -> tuple[Edit, ...]:
    """Every difference, in the order entities, sources, views, on-demand views, services; by name within each."""
    return tuple(_all(before, after))


def _all(before: DefinitionSet, after: DefinitionSet) -> Iterator[Edit]:
    nothing = _Nothing()
    yield from _compared("entity", before.entities, after.entities, nothing, lambda old, new: _entity(old, new, before))
    yield from _compared("source", before.sources, after.sources, nothing, lambda old, new: _source(old, new, before))
    yield from _compared("feature view", before.views, after.views, references, _view)
    yield from _compared("on-demand view", before.on_demand, after.on_demand, references, _on_demand)
    yield from _compared("service", before.services, after.services, references, _service)


class _Nothing:
    def __call__(self, _: object) -> tuple[str, ...]:
        return ()


_GONE: Mapping[Kind, str] = {
    # An entity or a source can only go together with the views that need it, which have edits of their own.
    "feature view": "its features go",
    "on-demand view": "its features go",
    "feature": "it goes",
    "service": "its readers get nothing",
}


def _compared(
    kind: Kind,
    before: Mapping[str, Thing],
    after: Mapping[str, Thing],
    offered: Callable[[Thing], tuple[str, ...]],
    compare: Callable[[Thing, Thing], Iterable[Edit]],
) -> Iterator[Edit]:
    """What came, went and changed, by name. `offered`: the references that go with an object."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            yield Edit("added", kind, name, owner=getattr(new, "owner", ""))
        elif new is None:
            why = _GONE.get(kind, "")
            yield Edit("removed", kind, name, why=why, features=offered(old), owner=getattr(old, "owner", ""))
        else:
            yield from compare(old, new)


def references(thing: FeatureView | OnDemandFeatureView | FeatureService) -> tuple[str, ...]:
    """What an object offers, as `view:feature` over the declared views."""
    if isinstance(thing, FeatureService):
        return tuple(
            f"{part.name if isinstance(part, OnDemandFeatureView) else part.view.name}:{name}"
            for part in thing.features
            for name in (part.feature_names if isinstance(part, OnDemandFeatureView) else part.features)
        )
    return tuple(f"{thing.name}:{name}" for name in thing.feature_names)


class _Differ:
    """Compares the attributes of one object, before and after."""

    def __init__(self, kind: Kind, name: str, old: object, new: object, touched: Sequence[str]) -> None:
        self._kind: Kind = kind
        self._name = name
        self._old = old
        self._new = new
        self._touched = tuple(touched)
        self.found: list[Edit] = []

    def safe(self, *attributes: str) -> None:
        """Differences that no value depends on."""
        for attribute in attributes:
            self.pair(attribute, getattr(self._old, attribute), getattr(self._new, attribute))

    def breaking(self, why: str, *attributes: str) -> None:
        """Differences that change values."""
        for attribute in attributes:
            old, new = getattr(self._old, attribute, None), getattr(self._new, attribute, None)
            self.pair(attribute, old, new, why)

    def pair(self, attribute: str, old: object, new: object, why: str = "", *, uncovers: bool = False) -> None:
        """One attribute, if it differs."""
        if old != new:
            self.found.append(
                Edit("changed", self._kind, self._name, attribute, _shown(old), _shown(new), why,
                     self._touched if why else (), uncovers, getattr(self._old, "owner", ""))
            )  # fmt: skip


def _entity(old: Entity, new: Entity, before: DefinitionSet) -> list[Edit]:
    touched = [r for view in before.views.values() if old.name in _entity_names(view) for r in references(view)]
    differ = _Differ("entity", old.name, old, new, touched)
    differ.breaking("rows are looked up by other keys", "join_keys", "key_type")
    fewer = new.key_count is not None and (old.key_count is None or new.key_count < old.key_count)
    differ.pair("key_count", old.key_count, new.key_count, "keys beyond the count are no longer kept" if fewer else "")
    differ.safe("description", "owner", "tags")
    return differ.found


def _source(old: Source, new: Source, before: DefinitionSet) -> list[Edit]:
    touched = [r for view in before.views.values() if old.name in source_names(view.source) for r in references(view)]
    differ = _Differ("source", old.name, old, new, touched)
    differ.pair("type", type(old).__name__, type(new).__name__, "rows come from elsewhere")
    if type(old) is type(new):
        differ.breaking("rows come from elsewhere", "path", "kafka_bootstrap_servers", "topic")
        differ.breaking("rows get another time or order", "timestamp_field", "created_timestamp_column",
                        "sequence_column", "watermark_delay_s")  # fmt: skip
        differ.pair("batch_source", source_names(old)[1:], source_names(new)[1:], "history comes from elsewhere")
    differ.safe("description", "owner")
    return differ.found


def _view(old: FeatureView, new: FeatureView) -> list[Edit]:
    differ = _Differ("feature view", old.name, old, new, references(old))
    differ.pair("type", type(old).__name__, type(new).__name__, "values are computed another way")
    differ.pair("entities", _entity_names(old), _entity_names(new), "rows are looked up by other keys")
    differ.pair("source", old.source.name, new.source.name, "rows come from elsewhere")
    differ.pair("transformation", old.code_sha256[:12], new.code_sha256[:12], "values are computed another way")
    shorter = _length(new.ttl) < _length(old.ttl)
    differ.pair("ttl", old.ttl or None, new.ttl or None, "older values are no longer answers" if shorter else "")
    differ.pair("online", old.online, new.online, "it is no longer served" if old.online else "")
    if isinstance(old, StreamFeatureView) and isinstance(new, StreamFeatureView):
        differ.breaking("late events count differently", "allowed_lateness")
        differ.found += _aggregations(old, new)
    differ.safe("freshness_sla", "every", "description", "owner", "tags")
    return [*differ.found, *_fields(old, new)]


def _on_demand(old: OnDemandFeatureView, new: OnDemandFeatureView) -> list[Edit]:
    differ = _Differ("on-demand view", old.name, old, new, references(old))
    differ.pair("function", old.code_sha256[:12], new.code_sha256[:12], "values are computed another way")
    differ.breaking("its function gets other containers", "mode")
    differ.pair("sources", _inputs(old), _inputs(new), "values are computed from something else")
    differ.safe("description", "owner", "tags")
    return [*differ.found, *_fields(old, new)]


def _fields(old: FeatureView | OnDemandFeatureView, new: FeatureView | OnDemandFeatureView) -> Iterator[Edit]:
    was = {f"{old.name}:{field.name}": field for field in old.schema}
    becomes = {f"{new.name}:{field.name}": field for field in new.schema}
    for edit in _compared("feature", was, becomes, lambda field: (f"{old.name}:{field.name}",), partial(_field, old)):
        yield replace(edit, owner=old.owner)


def _field(view: FeatureView | OnDemandFeatureView, old: Field, new: Field) -> list[Edit]:
    reference = f"{view.name}:{old.name}"
    differ = _Differ("feature", reference, old, new, [reference])
    differ.breaking("values have another type", "dtype")
    differ.breaking("the same number means something else", "unit")
    uncovers = bool(old.pii) and not new.pii
    why = "personal data can be read without a grant" if uncovers else "readers need another grant"
    differ.pair("pii", old.pii, new.pii, why, uncovers=uncovers)
    differ.safe("description", "tags")
    return differ.found


def _aggregations(old: StreamFeatureView, new: StreamFeatureView) -> Iterator[Edit]:
    was = {aggregation.name: aggregation for aggregation in old.aggregations}
    for aggregation in new.aggregations:
        if aggregation.name in was:
            reference = f"{old.name}:{aggregation.name}"
            differ = _Differ("feature", reference, old, new, [reference])
            differ.pair("aggregation", _window(was[aggregation.name]), _window(aggregation),
                        "values are computed another way")  # fmt: skip
            yield from differ.found


def _service(old: FeatureService, new: FeatureService) -> list[Edit]:
    was, becomes = _outputs(old), _outputs(new)
    gone = [name for name in was if name not in becomes]
    differ = _Differ("service", old.name, old, new, [was[name] for name in gone] or tuple(was.values()))
    if gone:
        differ.pair("features", _listed(gone), "", "its readers miss features")
    elif [name for name in becomes if name in was] != list(was):
        differ.pair("order", _listed(was), _listed(becomes), "features come in another order")
    fresh = [name for name in becomes if name not in was]
    if fresh:
        differ.pair("features", "", _listed(fresh))
    moved = [name for name in was if name in becomes and was[name] != becomes[name]]
    if moved:
        differ.pair("views", _listed(was[name] for name in moved), _listed(becomes[name] for name in moved),
                    "the same names come from other views")  # fmt: skip
    differ.pair("join_key_map", _renamed(old), _renamed(new), "rows are looked up by other keys")
    differ.safe("logging", "description", "owner", "tags")
    return differ.found


def _outputs(service: FeatureService) -> dict[str, str]:
    """The declared reference by the name under which a service gives it."""
    names = [
        f"{part.name}:{name}"
        for part in service.features
        for name in (part.feature_names if isinstance(part, OnDemandFeatureView) else part.features)
    ]
    return dict(zip(names, references(service), strict=True))


def _renamed(service: FeatureService) -> tuple[str, ...]:
    return tuple(
        f"{part.name}.{key}={column}"
        for part in service.features
        if not isinstance(part, OnDemandFeatureView)
        for key, column in sorted((part.join_key_map or {}).items())
    )


def _inputs(view: OnDemandFeatureView) -> tuple[str, ...]:
    stored = [f"{part.name}:{name}" for part in view.projections for name in part.features]
    asked = [
        f"{source.name}:{field.name} {field.dtype}"
        for source in view.sources
        if isinstance(source, RequestSource)
        for field in source.schema
    ]
    return (*stored, *asked)


def source_names(source: Source) -> tuple[str, ...]:
    """The source and, for a stream, where its history lies."""
    batch = source.batch_source if isinstance(source, PushSource | KafkaSource) else None
    return (source.name, batch.name) if batch else (source.name,)


def _entity_names(view: FeatureView) -> tuple[str, ...]:
    return tuple(entity.name for entity in view.entities)


def _window(aggregation: Aggregation) -> str:
    return (
        f"{aggregation.function}({aggregation.column}) over {_shown(aggregation.time_window)}"
        f" every {_shown(aggregation.slide)}"
    )


def length_text(length: timedelta) -> str:
    """Every digit of a length of time, in the largest units: `30d`, `1h30m`, `0.5s`."""
    left_us, text = length // timedelta(microseconds=1), ""
    for unit, unit_us in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000)):
        count, left_us = divmod(left_us, unit_us)
        text += f"{count}{unit}" if count else ""
    seconds = f"{left_us / 1_000_000:.6f}".rstrip("0").rstrip(".")
    return text if text and not left_us else f"{text}{seconds}s"


def _length(ttl: timedelta | None) -> timedelta:
    return ttl or timedelta.max


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


_SHOWN: dict[type, Callable[..., str]] = {
    type(None): lambda _: "",
    bool: lambda value: "yes" if value else "no",
    timedelta: length_text,
    tuple: lambda value: ", ".join(map(str, value)),
    dict: lambda value: ", ".join(f"{key}={item}" for key, item in sorted(value.items())),
}


def _shown(value: object) -> str:
    return _SHOWN.get(type(value), str)(value)

"""Joins labels with everything that a list of features means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reference_platform.errors import CommandError, nearest
from reference_platform.features.columns import Column, column_from_arrow, column_to_arrow
from reference_platform.features.definitions import FeatureViewProjection
from reference_platform.features.history import ViewHistory
from reference_platform.features.join.canonical import canonical
from reference_platform.features.join.engine import Engine, ViewJoin
from reference_platform.features.join.leaks import LeakReport, ViewRows, leak_report
from reference_platform.features.join.sorted_layout import answers_from_layout
from reference_platform.features.join.spec import JoinSpec
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.retrieval import checked_labels
from reference_platform.features.services import Part
from reference_platform.features.sorted_copies import SortedCopies
from reference_platform.features.times import to_us
from reference_platform.features.transformations import run_on_demand
from reference_platform.features.types import FeatureType, Int32, Int64, String

if TYPE_CHECKING:
    import pyarrow as pa

Histories = Mapping[str, ViewHistory]
Lookup = tuple[str, str, tuple[tuple[str, str], ...]]
"""What tells two ways of reading views apart: the view, its name as asked, the columns it is looked up by."""
Stored = dict[tuple[Lookup, str], "pa.ChunkedArray"]
"""Answers by lookup and feature."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to join. `timestamp`: the column of the labels that says when each of them asks."""

    parts: Sequence[Part]
    full_feature_names: bool
    known_at_label: bool
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Features asked for one by one, by view: of an on-demand view, only these are answered."""
    timestamp: str = "event_timestamp"

    def names(self) -> list[str]:
        """Names of the features, in the order asked."""
        return [self.name_of(part, feature) for part in self.parts for feature in self.features(part)]

    def features(self, part: Part) -> Sequence[str]:
        """What is asked of one part."""
        if isinstance(part, OnDemandFeatureView):
            return self.asked.get(part.name, part.feature_names)
        return part.features

    def name_of(self, part: Part, feature: str) -> str:
        """What one feature is called."""
        return f"{part.name}__{feature}" if self.full_feature_names else feature

    def projections(self) -> list[FeatureViewProjection]:
        """The stored features to look up, those that on-demand views need included, each view once."""
        wanted: dict[Lookup, FeatureViewProjection] = {}
        for part in self.parts:
            for projection in part.projections if isinstance(part, OnDemandFeatureView) else (part,):
                key = lookup_of(projection)
                held = wanted.get(key)
                features = dict.fromkeys([*(held.features if held else ()), *projection.features])
                wanted[key] = FeatureViewProjection(
                    projection.view, tuple(features), projection.name, projection.join_key_map
                )
        return list(wanted.values())


def training_set(
    question: Question, labels: pa.Table, histories: Histories, engine: Engine, copies: SortedCopies
) -> pa.Table:
    """`labels` with one column per feature. One output row per input row, in order.

    Raises CommandError for missing keys and instants, and for values that do not fit their declared types.
    """
    _check_question(question, labels)
    stored: Stored = {}
    for projection in question.projections():
        stored |= _looked_up(question, labels, projection, histories[projection.view.name], engine, copies)
    computed = {
        (part.name, made.name): column_to_arrow(column, made.dtype)
        for part in question.parts
        if isinstance(part, OnDemandFeatureView)
        for made, column in zip(part.schema, _computed(part, labels, stored), strict=True)
    }
    table = labels
    for part in question.parts:
        for feature in question.features(part):
            if isinstance(part, OnDemandFeatureView):
                column = computed[(part.name, feature)]
            else:
                column = stored[(lookup_of(part), feature)]
            table = table.append_column(question.name_of(part, feature), column)
    assert table.num_rows == labels.num_rows
    return canonical(table)


def lookup_of(projection: FeatureViewProjection) -> Lookup:
    """How `projection` reads its view."""
    return projection.view.name, projection.name, tuple(sorted((projection.join_key_map or {}).items()))


def join_spec(question: Question, projection: FeatureViewProjection, history: ViewHistory) -> JoinSpec:
    """How one view answers `question`."""
    columns = history.columns
    picked = tuple(columns.features[projection.view.feature_names.index(name)] for name in projection.features)
    return JoinSpec(
        label_keys=projection.join_keys,
        label_time=question.timestamp,
        rows=type(columns)(columns.keys, columns.event, columns.created, columns.sequence, picked),
        outputs=projection.features,
        ttl_us=projection.view.ttl_us,
        known_at_label=question.known_at_label,
    )


def leaks(question: Question, labels: pa.Table, histories: Histories) -> LeakReport:
    """How many cells of the stored features differ if rows count before they were known."""
    _check_question(question, labels)
    return leak_report(
        labels,
        [
            ViewRows(
                projection.name,
                join_spec(question, projection, history := histories[projection.view.name]),
                (batch for _, table in history.batches() for batch in table.to_batches()),
            )
            for projection in question.projections()
        ],
    )


def _looked_up(
    question: Question,
    labels: pa.Table,
    projection: FeatureViewProjection,
    history: ViewHistory,
    engine: Engine,
    copies: SortedCopies,
) -> Stored:
    join = ViewJoin(history, join_spec(question, projection, history))
    answers, _ = answers_from_layout(copies.of(history), engine, labels, join)
    lookup = lookup_of(projection)
    return {(lookup, name): answers.table.column(index) for index, name in enumerate(projection.features)}


def _check_question(question: Question, labels: pa.Table) -> None:
    checked_labels(labels, question.timestamp, question.names())
    _, given = to_us(labels.column(question.timestamp), question.timestamp)
    if not given.all():
        row = int(given.argmin())
        raise CommandError(f"{question.timestamp} is missing in row {row}", fix="every row asks at an instant")
    for projection in question.projections():
        for key, kind in zip(projection.join_keys, projection.view.key_types, strict=True):
            if key in labels.column_names:
                _check_key(labels, key, kind, projection.name)
            else:
                raise CommandError(
                    f'the entity table has no join key "{key}" of view {projection.name}',
                    fix=nearest(key, labels.column_names),
                )


def _check_key(labels: pa.Table, key: str, kind: FeatureType, view: str) -> None:
    import pyarrow as pa

    held = labels.schema.field(key).type
    held = held.value_type if pa.types.is_dictionary(held) else held
    text = pa.types.is_string(held) or pa.types.is_large_string(held)
    if (text and kind in (Int32, Int64)) or (pa.types.is_integer(held) and kind is String):
        raise CommandError(
            f'"{key}" of the entity table holds {held}, and view {view} is keyed by {kind}',
            why="such keys are never equal, so no row would find its features",
            fix="cast the column",
        )


def _computed(view: OnDemandFeatureView, labels: pa.Table, stored: Stored) -> tuple[Column, ...]:
    inputs: dict[str, Column] = {}
    for projection in view.projections:
        for name in projection.features:
            column = stored[(lookup_of(projection), name)]
            given = column_from_arrow(column, projection.view.field(name).dtype, f"{view.name}: {name}")
            inputs[f"{projection.name}__{name}"] = given
    for asked in view.request_fields:
        if asked.name not in labels.column_names:
            raise CommandError(
                f'{view.name} needs "{asked.name}" with the request', fix=nearest(asked.name, labels.column_names)
            )
        inputs[asked.name] = column_from_arrow(labels.column(asked.name), asked.dtype, f"{view.name}: {asked.name}")
    return run_on_demand(view, inputs, labels.num_rows)

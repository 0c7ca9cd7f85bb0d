"""Audits the vectors of one shape: look-ups first, then what was computed from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference_platform.features.code_references import MissingCode
from reference_platform.features.columns import Column
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.labels import Labels
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.port import Status
from reference_platform.features.skew.attempts import Attempts
from reference_platform.features.skew.causes import (
    NONE,
    NUMBER,
    Cause,
    Codes,
    Facts,
    Rules,
    Served,
    name_causes,
    name_computed,
)
from reference_platform.features.skew.comparison import Flags, agree
from reference_platform.features.skew.evidence import Asked, Instants, RowHistory, gather
from reference_platform.features.skew.recompute import Answer, Vectors, compute, inputs_of, look_up
from reference_platform.features.skew.tally import Cells, Tally
from reference_platform.features.skew.vector_shape import LoggedFeature, LoggedFunction, LoggedView
from reference_platform.features.times import NEVER_US

STAND_INS = ("nan", "0", "0.0", "-1", "-1.0", "", "False", "[]")
"""How values that stand for a null look as text."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is the same for all shapes of an audit. `code_since(view, code)`: when today's code took over."""

    history: Callable[[FeatureView], RowHistory]
    definitions: DefinitionSet
    code_since: Callable[[str, str], int | None]
    known_at_read: bool
    ulps: int


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look-up of all vectors: what was expected, of which features."""

    view: FeatureView
    features: tuple[str, ...]
    answer: Answer
    expected: tuple[Column, ...]

    def column(self, feature: str) -> Column:
        """What training would have seen."""
        return self.expected[self.features.index(feature)]


class ShapeAudit:
    """Compares `vectors` with history and adds what it finds to `tally`."""

    def __init__(self, vectors: Vectors, question: Question, tally: Tally) -> None:
        self._vectors = vectors
        self._question = question
        self._tally = tally
        self._labels: dict[tuple[str, ...], Labels] = {}
        self._look_ups: dict[str, LookUp] = {}
        self._codes: dict[tuple[str, str], Codes] = {}
        self._index = {(each.part, each.feature): at for at, each in enumerate(vectors.shape.features)}
        self._texts: dict[int, dict[int, str]] = {}
        for row, text in enumerate(vectors.misfits):
            for name, value in json.loads(text).items() if text else ():
                if name.isdecimal():
                    self._texts.setdefault(int(name), {})[row] = value

    def run(self) -> None:
        """Audit every feature once."""
        shape = self._vectors.shape
        for number, view in enumerate(shape.views):
            self._stored(number, view)
        for function in shape.functions:
            self._computed(function)

    def _stored(self, number: int, logged: LoggedView) -> None:
        features = [feature for feature in self._vectors.shape.features if feature.part == logged.part]
        view = self._question.definitions.views.get(logged.view)
        if view is None or len(view.join_keys) != len(logged.keys):
            for feature in features:
                self._leave_out(feature, f"view {logged.view} is not declared as it was logged")
            return
        kept = []
        for feature in features:
            if feature.feature in view.feature_names and view.field(feature.feature).dtype == feature.kind:
                kept.append(feature)
            else:
                self._leave_out(feature, f"{logged.view} has no such feature of type {feature.dtype} now")
        served = self._served(number, kept)
        needed = [name for part, name in self._inputs() if part == logged.part and name in view.feature_names]
        names = tuple(dict.fromkeys([*(feature.feature for feature in kept), *needed]))
        if not names:
            return
        answer = look_up(
            self._labels_of(logged),
            served.read_us,
            served.event_us,
            self._question.history(view),
            view,
            names,
            logged_ttl_us=logged.ttl_us,
            known_at_read=self._question.known_at_read,
        )
        found = LookUp(view, names, answer, answer.served())
        self._look_ups[logged.part] = found
        differs = [self._differs(feature, found.column(feature.feature)) for feature in kept]
        codes = self._name(logged, found, kept, served, differs)
        for at, feature in enumerate(kept):
            self._codes[(feature.part, feature.feature)] = codes[at]
            if feature.served:
                self._tally.add(self._vectors, self._cells(feature, found, served, at, differs[at], codes[at]))

    def _served(self, number: int, features: list[LoggedFeature]) -> Served:
        index = [self._index[(feature.part, feature.feature)] for feature in features]
        statuses = tuple(self._vectors.statuses[:, at] for at in index)
        found = np.zeros(self._vectors.rows, dtype=np.bool_)
        for status in statuses:
            found |= (status != Status.NOT_FOUND) & (status != Status.INVALID)
        event_us: Instants = np.where(found, self._vectors.event_us[number], NEVER_US)
        return Served(self._vectors.read_us, event_us, statuses, tuple(self._vectors.values[at] for at in index))

    def _differs(self, feature: LoggedFeature, expected: Column) -> Flags:
        at = self._index[(feature.part, feature.feature)]
        differs = ~agree(self._vectors.values[at], expected, feature.kind, self._question.ulps)
        differs[list(self._texts.get(at, ()))] = True
        return differs

    def _name(
        self,
        logged: LoggedView,
        found: LookUp,
        features: list[LoggedFeature],
        served: Served,
        differs: list[Flags],
    ) -> list[Codes]:
        codes = [np.full(self._vectors.rows, NONE, dtype=np.int8) for _ in features]
        rows = np.flatnonzero(np.logical_or.reduce(differs)) if differs else np.empty(0, dtype=np.intp)
        if not len(rows):
            return codes
        import pyarrow as pa

        view = found.view
        since = self._question.code_since(view.name, view.code_sha256)
        rules = Rules(logged.code != view.code_sha256, since, logged.ttl_us, view.ttl_us)
        some = served.take(rows)
        order = [found.features.index(feature.feature) for feature in features]
        answer = found.answer.take(rows, order)
        labels = self._vectors.labels(logged).take(pa.array(rows))
        asked = Asked(labels, some.read_us, some.event_us, some.values)
        respelled = np.full(len(rows), not rules.code_differs)
        names = [feature.feature for feature in features]
        versions = gather(self._question.history(view), view, names, asked, respelled)
        facts = Facts.of(some, answer, versions, rules)
        for at, feature in enumerate(features):
            named = name_causes(some, answer, versions, facts, at, feature.kind, differs[at][rows])
            codes[at][rows] = named
            self._mind_texts(feature, codes[at], found.column(feature.feature))
        return codes

    def _mind_texts(self, feature: LoggedFeature, codes: Codes, expected: Column) -> None:
        """A value that did not fit its type counts as null above; what stood there instead says more."""
        given = expected.mask()
        for row, text in self._texts.get(self._index[(feature.part, feature.feature)], {}).items():
            if codes[row] in (NUMBER[Cause.NULL_POLICY], NUMBER[Cause.UNEXPLAINED], NUMBER[Cause.ONLINE_ONLY]):
                stand_in = not given[row] and text in STAND_INS
                codes[row] = NUMBER[Cause.NULL_POLICY if stand_in else Cause.UNEXPLAINED]

    def _cells(
        self, feature: LoggedFeature, found: LookUp, served: Served, at: int, differs: Flags, codes: Codes
    ) -> Cells:
        expected = found.column(feature.feature)
        answer = found.answer
        absent = np.where(answer.found, Status.OUTSIDE_MAX_AGE, Status.NOT_FOUND)
        status = np.where(answer.fresh, np.where(expected.mask(), Status.PRESENT, Status.NULL_VALUE), absent)
        return Cells(
            part=feature.part,
            feature=feature.feature,
            kind=feature.kind,
            served=served.values[at],
            expected=expected,
            differs=differs,
            codes=codes,
            status_only=int((~differs & (status != served.statuses[at])).sum()),
            personal=found.view.field(feature.feature).pii,
            texts=self._texts.get(self._index[(feature.part, feature.feature)], {}),
            served_us=served.event_us,
            expected_us=answer.event_us,
            known_us=answer.created_us,
        )

    def _computed(self, logged: LoggedFunction) -> None:
        features = [feature for feature in self._vectors.shape.features if feature.part == logged.part]
        view = self._question.definitions.on_demand.get(logged.part)
        reason = self._not_computable(view)
        if view is None or reason:
            for feature in features:
                self._leave_out(feature, reason)
            return
        rows = self._vectors.rows
        inputs = {(part, name): self._look_ups[part].column(name) for part, name in inputs_of(view)}
        fields = {field.name: field for field in view.schema}
        expected = dict(zip(view.feature_names, compute(view, inputs, self._vectors.requests, rows), strict=True))
        for feature in features:
            if feature.feature not in expected or fields[feature.feature].dtype != feature.kind:
                self._leave_out(feature, f"{logged.part} has no such feature of type {feature.dtype} now")
                continue
            value = expected[feature.feature]
            differs = self._differs(feature, value)
            at = self._index[(feature.part, feature.feature)]
            served = self._vectors.values[at]
            inherited = self._inherited(view, feature, differs)
            codes = name_computed(served, value, feature.kind, differs, inherited, logged.code != view.code_sha256)
            self._tally.add(
                self._vectors,
                Cells(feature.part, feature.feature, feature.kind, served, value, differs, codes,
                      personal=fields[feature.feature].pii, texts=self._texts.get(at, {})),
            )  # fmt: skip

    def _not_computable(self, view: OnDemandFeatureView | None) -> str:
        if view is None:
            return "the on-demand view is not declared any more"
        if isinstance(view.function, MissingCode):
            return "the code of its function is not at hand"
        for part, name in inputs_of(view):
            if part not in self._look_ups or name not in self._look_ups[part].features:
                return f"its input {part}:{name} is not declared as it was logged"
        for field in view.request_fields:
            logged = [request.dtype for request in self._vectors.shape.requests if request.name == field.name]
            if logged != [field.dtype.name]:
                return f'its request value "{field.name}" was not logged as {field.dtype.name}'
        return ""

    def _inherited(self, view: OnDemandFeatureView, feature: LoggedFeature, differs: Flags) -> Codes:
        """Causes that lie with the inputs of a computed feature, NONE where they explain nothing."""
        out = np.full(len(differs), NONE, dtype=np.int8)
        rows = np.flatnonzero(differs)
        if not len(rows):
            return out
        attempts = Attempts(self._vectors, view, feature, rows, self._question.ulps)
        stored: dict[tuple[str, str], Column] = {}
        first = np.full(len(rows), NONE, dtype=np.int8)
        unlogged: dict[str, LookUp] = {}
        for part, name in inputs_of(view):
            if (part, name) in self._codes:
                stored[(part, name)] = self._vectors.values[self._index[(part, name)]].take(rows)
                codes = self._codes[(part, name)][rows]
                first = np.where(first == NONE, codes, first).astype(np.int8)
            else:
                unlogged[part] = self._look_ups[part]
                stored[(part, name)] = self._look_ups[part].column(name).take(rows)
        out[rows] = np.where(attempts.gives(stored), first, NONE)
        for part, look_up_found in unlogged.items():
            open_ = out[rows] == NONE
            if not open_.any():
                break
            number, logged = next((at, v) for at, v in enumerate(self._vectors.shape.views) if v.part == part)
            known = [each for each in self._vectors.shape.features if each.part == part]
            served_us = self._served(number, known).event_us if known else None
            history = self._question.history(look_up_found.view)
            tried = attempts.other_rows(stored, part, look_up_found, self._vectors.labels(logged), history, served_us)
            out[rows[open_]] = tried[open_]
        return out

    def _inputs(self) -> list[tuple[str, str]]:
        views = [self._question.definitions.on_demand.get(each.part) for each in self._vectors.shape.functions]
        return [pair for view in views if view is not None for pair in inputs_of(view)]

    def _labels_of(self, logged: LoggedView) -> Labels:
        if logged.keys not in self._labels:
            table = self._vectors.labels(logged)
            self._labels[logged.keys] = Labels(table, table.column_names[:-1], "asked")
        return self._labels[logged.keys]

    def _leave_out(self, feature: LoggedFeature, why: str) -> None:
        if feature.served:
            service = self._vectors.shape.service
            self._tally.leave_out(service, feature.part, feature.feature, self._vectors.rows, why)

"""Turns views, projections and on-demand views into a read plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reference_platform.errors import CommandError
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.layout import RowLayout
from reference_platform.features.online_store.plan import (
    Computation,
    Lookup,
    OnDemandSelection,
    PlanPart,
    ReadPlan,
    Visible,
)
from reference_platform.features.online_store.response import ResponseShape, Selection
from reference_platform.features.transformations import on_demand_inputs
from reference_platform.features.types import FeatureType, UnixTimestamp


@dataclass(slots=True)
class _Draft:
    """A lookup in the making."""

    view: FeatureView
    join_keys: tuple[str, ...]
    layout: RowLayout
    needed: dict[int, None] = field(default_factory=dict)
    served: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Output:
    name: str
    kind: FeatureType
    computed: bool
    source: int
    slot: int


class _Compiler:
    def __init__(self, full_feature_names: bool, visible: Visible | None) -> None:
        self.full = full_feature_names
        self.visible = visible
        self.drafts: dict[tuple[str, tuple[str, ...]], _Draft] = {}
        self.computations: list[Computation] = []
        self.outputs: list[_Output] = []
        self.request: dict[str, Field] = {}
        self.ignored: dict[str, None] = {}

    def add(self, part: PlanPart) -> None:
        if isinstance(part, FeatureViewProjection):
            self._stored(part)
        elif isinstance(part, OnDemandSelection):
            self._on_demand(part.view, part.features)
        else:
            self._on_demand(part, part.feature_names)

    def _seen(self, view: FeatureView | OnDemandFeatureView, feature: Field) -> bool:
        return self.visible is None or self.visible(view, feature)

    def _stored(self, part: FeatureViewProjection) -> None:
        fields = [each for name in part.features if self._seen(part.view, each := part.view.field(name))]
        if not fields:
            self.ignored |= dict.fromkeys(part.join_keys)
            return
        number, draft = self._draft(part)
        for each in fields:
            position = part.view.feature_names.index(each.name)
            draft.needed[position] = None
            self.outputs.append(
                _Output(self._named(part.name, each.name), each.dtype, False, number, len(draft.served))
            )
            draft.served.append(position)

    def _on_demand(self, view: OnDemandFeatureView, features: Sequence[str]) -> None:
        by_name = {each.name: each for each in view.schema}
        if unknown := [name for name in features if name not in by_name]:
            raise CommandError(f'on-demand view {view.name} has no feature "{unknown[0][:60]}"',
                               fix=f"valid: {', '.join(by_name)}")  # fmt: skip
        wanted = [name for name in features if self._seen(view, by_name[name])]
        inputs = [(source, source.view.field(name)) for source in view.projections for name in source.features]
        names = [each.name for each in on_demand_inputs(view) if each.full_name]
        if not wanted or not all(self._seen(source.view, each) for source, each in inputs):
            self.ignored |= dict.fromkeys(key for source in view.projections for key in source.join_keys)
            self.ignored |= dict.fromkeys(each.name for each in view.request_fields)
            return
        stored: dict[str, tuple[str, int, Selection]] = {}
        for name, (source, each) in zip(names, inputs, strict=True):
            number, draft = self._draft(source)
            position = source.view.feature_names.index(each.name)
            draft.needed[position] = None
            stored[name] = (name, number, Selection.of(draft.layout, [position]))
        for each in view.request_fields:
            if each.name in stored or self.request.get(each.name, each).dtype != each.dtype:
                raise CommandError(f'on-demand view {view.name}: request value "{each.name}" is also something else',
                                   fix="give it another name")  # fmt: skip
            self.request[each.name] = each
        served = tuple(view.feature_names.index(name) for name in wanted)
        request = tuple(each.name for each in view.request_fields)
        for slot, name in enumerate(wanted):
            output = self._named(view.name, name)
            self.outputs.append(_Output(output, by_name[name].dtype, True, len(self.computations), slot))
        self.computations.append(Computation(view, tuple(stored.values()), request, served))

    def _draft(self, part: FeatureViewProjection) -> tuple[int, _Draft]:
        key = (part.view.name, part.join_keys)
        if key not in self.drafts:
            self.drafts[key] = _Draft(part.view, part.join_keys, RowLayout(part.view))
        return list(self.drafts).index(key), self.drafts[key]

    def _named(self, view: str, feature: str) -> str:
        return f"{view}__{feature}" if self.full else feature


def compile_plan(
    parts: Iterable[PlanPart], *, full_feature_names: bool = False, visible: Visible | None = None
) -> ReadPlan:
    """The plan for `parts`. Raises CommandError when two features would have one name."""
    compiler = _Compiler(full_feature_names, visible)
    for part in parts:
        compiler.add(part)
    drafts = list(compiler.drafts.values())
    keys = _key_types(drafts)
    _check_names(compiler, keys)
    serving = [number for number, draft in enumerate(drafts) if draft.served]
    lookups = tuple(
        Lookup(
            draft.view,
            draft.join_keys,
            tuple(sorted(draft.needed)),
            tuple(
                position
                for position, each in enumerate(draft.view.schema)
                if visible is not None and not visible(draft.view, each)
            ),
            Selection.of(draft.layout, draft.served) if draft.served else None,
        )
        for draft in drafts
    )
    spots = tuple(
        (len(serving) + each.source if each.computed else serving.index(each.source), each.slot)
        for each in compiler.outputs
    )
    request = tuple(compiler.request.values())
    kinds = tuple(each.kind for each in compiler.outputs)
    names = tuple(each.name for each in compiler.outputs)
    return ReadPlan(
        join_keys=tuple(keys),
        request_fields=request,
        names=names,
        lookups=lookups,
        computations=tuple(compiler.computations),
        shape=ResponseShape(
            names,
            kinds,
            spots,
            (*keys.items(), *((each.name, each.dtype) for each in request)),
            UnixTimestamp in kinds,
        ),
        key_types=tuple(keys.values()),
        ignored=frozenset(compiler.ignored) - frozenset(keys) - frozenset(compiler.request),
    )


def _key_types(drafts: Sequence[_Draft]) -> dict[str, FeatureType]:
    found: dict[str, FeatureType] = {}
    for draft in drafts:
        for name, kind in zip(draft.join_keys, draft.view.key_types, strict=True):
            known = found.setdefault(name, kind)
            if known != kind and "O" in (known.dtype, kind.dtype):
                raise CommandError(f'join key "{name}" is {known} in one view and {kind} in another',
                                   fix="rename it for one of them: view.with_join_key_map({...})")  # fmt: skip
    return found


def _check_names(compiler: _Compiler, keys: dict[str, FeatureType]) -> None:
    taken = dict.fromkeys(keys, "join key") | dict.fromkeys(compiler.request, "request value")
    for name in compiler.request:
        if name in keys:
            raise CommandError(f'"{name}" is a join key and a request value', fix="rename one of them")
    for output in compiler.outputs:
        if output.name in taken:
            raise CommandError(
                f'two things are called "{output.name}": a {taken[output.name]} and a feature',
                fix="ask for each feature once" if compiler.full else "ask with full_feature_names=True",
            )
        taken[output.name] = "feature"

"""A caller cannot tell a hidden field from one that was never declared, whatever is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.errors import PagerDrillError
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.governance.access import EVERYTHING, Visibility
from reference_platform.features.governance.scope import Scope
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource
from reference_platform.features.types import Int64

NAMES = ("alpha", "alphas", "beta", "betas", "gamma")
CLASSES = ("", "", "email", "phone")
KEY = Entity("who")
Hidden = frozenset[tuple[str, str]]


def _view(name: str, classes: Sequence[str], prefix: str = "") -> FeatureView:
    fields = tuple(
        Field(name=f"{prefix}{feature}", dtype=Int64, pii=kind) for feature, kind in zip(NAMES, classes, strict=False)
    )
    return FeatureView(name=name, source=FileSource(path=f"{name}.parquet"), entities=(KEY,), schema=fields)


@st.composite
def declarations(draw: st.DrawFn) -> DefinitionSet:
    """A few views, an on-demand view over one of them and services over any of them."""
    kinds = st.lists(st.sampled_from(CLASSES), min_size=1, max_size=len(NAMES))
    views = [_view(name, draw(kinds)) for name in ("users", "user", "orders")]
    read = views[draw(st.integers(0, 2))]
    some = draw(st.lists(st.sampled_from(read.feature_names), min_size=1, unique=True))
    computed = OnDemandFeatureView(
        name="computed",
        sources=(read[some],),
        schema=(Field(name="sum", dtype=Int64, pii=draw(st.sampled_from(CLASSES))),),
        function=len,
    )
    services = []
    for name in ("serve", "server"):
        parts = [view[draw(st.lists(st.sampled_from(view.feature_names), min_size=1, unique=True))] for view in views]
        keep = draw(st.lists(st.sampled_from([*parts, computed]), min_size=1, max_size=3))
        services.append(FeatureService(name, tuple(keep)))
    return DefinitionSet.of([*views, computed, *services])


def _without(definitions: DefinitionSet, visible: Visibility) -> DefinitionSet:
    """The world in which the hidden fields were never declared, built without the code under test."""
    views = {}
    for view in definitions.views.values():
        left = tuple(field for field in view.schema if visible(view, field))
        if left:
            views[view.name] = replace(view, schema=left)
    on_demand = {}
    for computed in definitions.on_demand.values():
        (part,) = computed.projections
        seen = views.get(part.view.name)
        if seen and set(part.features) <= set(seen.feature_names) and visible(computed, computed.schema[0]):
            on_demand[computed.name] = replace(computed, sources=(seen[list(part.features)],))
    services = {}
    for service in definitions.services.values():
        parts: list[object] = []
        for part in service.features:
            if isinstance(part, OnDemandFeatureView):
                parts += [on_demand[part.name]] if part.name in on_demand else []
            elif part.view.name in views:
                names = [name for name in part.features if name in views[part.view.name].feature_names]
                parts += [replace(part, view=views[part.view.name], features=tuple(names))] if names else []
        if parts:
            services[service.name] = replace(service, features=tuple(parts))  # type: ignore[arg-type]
    return DefinitionSet(definitions.entities, definitions.sources, views, on_demand, services)


def _answer(scope: Scope, asked: list[str] | str) -> object:
    try:
        parts = scope.parts(asked)
    except PagerDrillError as error:
        return type(error), str(error)
    return [
        (part.name, part.feature_names if isinstance(part, OnDemandFeatureView) else part.features) for part in parts
    ]


VIEWS = st.sampled_from(["users", "user", "orders", "usres", "computed", "order"])
REFERENCES = st.builds("{}:{}".format, VIEWS, st.sampled_from([*NAMES, "sum", "alpah", "x", ""]))
ASKED = st.one_of(
    st.lists(REFERENCES, max_size=4), st.sampled_from(["serve", "server", "severs", "users"]), st.text(max_size=20)
)
VISIBLE = st.builds(
    Visibility,
    st.frozensets(st.sampled_from(["email", "phone"])),
    st.frozensets(st.builds("{}:{}".format, st.sampled_from(["users", "orders"]), st.sampled_from(NAMES)), max_size=2),
)


@settings(max_examples=400, deadline=None)
@given(declarations(), VISIBLE, st.lists(ASKED, min_size=1, max_size=8))
def test_hidden_is_the_same_as_never_declared(
    definitions: DefinitionSet, visible: Visibility, requests: list[list[str] | str]
) -> None:
    scope, bare = Scope(definitions, visible), Scope(_without(definitions, visible), EVERYTHING)
    for asked in requests:
        assert _answer(scope, asked) == _answer(bare, asked)


@settings(max_examples=200, deadline=None)
@given(declarations(), VISIBLE, VISIBLE)
def test_more_rights_never_show_less(definitions: DefinitionSet, first: Visibility, second: Visibility) -> None:
    both = Visibility(first.classes | second.classes, first.features | second.features)
    less, more = Scope(definitions, first).definitions, Scope(definitions, both).definitions
    for name, view in less.views.items():
        assert set(view.feature_names) <= set(more.views[name].feature_names)
    assert set(less.on_demand) <= set(more.on_demand)
    assert set(less.services) <= set(more.services)

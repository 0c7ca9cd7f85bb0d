"""What one kind of served vector consists of: its columns, and the fingerprints of the code that made them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reference_platform.errors import CommandError
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.plan import PlanPart, ReadPlan, Visible
from reference_platform.features.types import FeatureType, type_named

if TYPE_CHECKING:
    import pyarrow as pa

SHAPE_KEY = b"pagerdrill.vector_shape"
"""Where a log segment's Arrow schema holds its shape."""


@dataclass(frozen=True, slots=True)
class LoggedColumn:
    """A column of the request: a join key, or a value that the caller sent."""

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class LoggedView:
    """One look-up in a view. `keys`: the entity columns, in the order of the view's join keys.

    `ttl_us` and `code` are what the serving process went by.
    """

    part: str
    view: str
    keys: tuple[str, ...]
    ttl_us: int | None
    code: str


@dataclass(frozen=True, slots=True)
class LoggedFunction:
    """One on-demand view and the fingerprint of its function."""

    part: str
    code: str


@dataclass(frozen=True, slots=True)
class LoggedFeature:
    """One served feature: `name` as the reader saw it, `feature` as `part` calls it.

    `served` False: an input of an on-demand view that was read for it, and that the model did not get.
    """

    name: str
    part: str
    feature: str
    dtype: str
    served: bool = True

    @property
    def kind(self) -> FeatureType:
        """Its type."""
        return type_named(self.dtype)


@dataclass(frozen=True)
class VectorShape:
    """Everything that the served vectors of one read plan agree on. Equal shapes share log segments."""

    service: str
    keys: tuple[LoggedColumn, ...]
    requests: tuple[LoggedColumn, ...]
    views: tuple[LoggedView, ...]
    functions: tuple[LoggedFunction, ...]
    features: tuple[LoggedFeature, ...]

    @classmethod
    def of(
        cls,
        parts: Sequence[PlanPart],
        *,
        service: str = "",
        full_feature_names: bool = False,
        visible: Visible | None = None,
        inputs: bool = False,
    ) -> VectorShape:
        """The shape of what reading `parts` gives; see `of_plan`."""
        plan = compile_plan(parts, full_feature_names=full_feature_names, visible=visible)
        return cls.of_plan(plan, service=service, inputs=inputs)

    @classmethod
    def of_plan(cls, plan: ReadPlan, *, service: str = "", inputs: bool = False) -> VectorShape:
        """The shape of the responses of `plan`, features in their order. What the plan hides is not part of it.

        With `inputs`, stored inputs of on-demand views which are not served themselves follow at the end: whoever can
        log them too lets the audit tell an old input from other code without trying.
        """
        names = [part_name(lookup.view, lookup.join_keys) for lookup in plan.lookups]
        served = [number for number, lookup in enumerate(plan.lookups) if lookup.served is not None]
        features: list[LoggedFeature] = []
        for name, kind, (section, slot) in zip(plan.names, plan.kinds, plan.shape.spots, strict=True):
            if section < len(served):
                number = served[section]
                selection = plan.lookups[number].served
                assert selection is not None
                feature = plan.lookups[number].view.feature_names[selection.positions[slot]]
                features.append(LoggedFeature(name, names[number], feature, kind.name))
            else:
                computation = plan.computations[section - len(served)]
                feature = computation.view.feature_names[computation.served[slot]]
                features.append(LoggedFeature(name, computation.view.name, feature, kind.name))
        if inputs:
            features += _unserved(plan, names, features)
        return cls(
            service=service,
            keys=tuple(
                LoggedColumn(name, kind.name) for name, kind in zip(plan.join_keys, plan.key_types, strict=True)
            ),
            requests=tuple(LoggedColumn(field.name, field.dtype.name) for field in plan.request_fields),
            views=tuple(
                LoggedView(name, lookup.view.name, lookup.join_keys, lookup.view.ttl_us, lookup.view.code_sha256)
                for name, lookup in zip(names, plan.lookups, strict=True)
            ),
            functions=tuple(LoggedFunction(each.view.name, each.view.code_sha256) for each in plan.computations),
            features=tuple(features),
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash over all of it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @cached_property
    def lookups(self) -> tuple[int, ...]:
        """For each view of `views`, the index of one feature that it answers, whose event time is the view's."""
        return tuple(
            next((i for i, feature in enumerate(self.features) if feature.part == view.part), -1) for view in self.views
        )

    def to_json(self) -> str:
        """One line of JSON. Inverse: `from_json`."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> VectorShape:
        """The shape that `to_json` wrote. Raises CommandError for anything else."""
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(
                service=str(found["service"]),
                keys=tuple(LoggedColumn(**item) for item in found["keys"]),
                requests=tuple(LoggedColumn(**item) for item in found["requests"]),
                views=tuple(LoggedView(**{**item, "keys": tuple(item["keys"])}) for item in found["views"]),
                functions=tuple(LoggedFunction(**item) for item in found["functions"]),
                features=tuple(LoggedFeature(**item) for item in found["features"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError("this is not the shape of logged vectors", why=str(error)[:200]) from error

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow columns of a log segment: `read_us`, `row_id`, `misfits`, keys `k0..`, request values `r0..`,
        `statuses` (one byte per feature), event times of the look-ups `e0..`, values `v0..`.
        """
        import pyarrow as pa

        fields = [("read_us", pa.int64()), ("row_id", pa.string()), ("misfits", pa.string())]
        fields += [(f"k{i}", type_named(key.dtype).arrow_type()) for i, key in enumerate(self.keys)]
        fields += [(f"r{i}", type_named(request.dtype).arrow_type()) for i, request in enumerate(self.requests)]
        fields += [("statuses", pa.binary(len(self.features)))]
        fields += [(f"e{i}", pa.int64()) for i in range(len(self.views))]
        fields += [(f"v{i}", feature.kind.arrow_type()) for i, feature in enumerate(self.features)]
        return pa.schema(fields, metadata={SHAPE_KEY: self.to_json().encode()})


def part_name(view: FeatureView, join_keys: tuple[str, ...]) -> str:
    """What a look-up is called: its view, and the columns that say whose values are meant if they are not its own."""
    return view.name if join_keys == view.join_keys else f"{view.name}({', '.join(join_keys)})"


def _unserved(plan: ReadPlan, names: Sequence[str], features: Sequence[LoggedFeature]) -> list[LoggedFeature]:
    there = {(feature.part, feature.feature) for feature in features}
    return [
        LoggedFeature(f"{name}:{lookup.view.feature_names[at]}", name, lookup.view.feature_names[at],
                      lookup.view.schema[at].dtype.name, served=False)
        for name, lookup in zip(names, plan.lookups, strict=True)
        for at in lookup.needed
        if (name, lookup.view.feature_names[at]) not in there
    ]  # fmt: skip

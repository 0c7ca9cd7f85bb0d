"""A store full of personal data; every value and every hidden name says what it is, so that a leak names itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.governance.access import Grant
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, PushSource
from reference_platform.features.types import Array, Bytes, FeatureType, Float64, Int64, String

START_US = 1_760_000_000_000_000
ROWS = 64
CLASSES = ("email", "phone", "place", "health")
NUMBER_MARK = "7719"
"""Every personal number begins with these digits and then the number of its class."""
VALUE = re.compile(r"CANARY-([a-z]+)-|(?<!\d)7719([0-3])\d{6}(?!\d)|43414e4152592d|Q0FOQVJZL")
NAME = re.compile(r"zq_[a-z]+_[a-z0-9]+")

person = Entity("person", join_keys=("person_id",))
device = Entity("device", join_keys=("device_id", "slot"), value_type=String)


def _field(kind: str, word: str, dtype: FeatureType) -> Field:
    name = f"zq_{kind}_{word}"
    return Field(name=name, dtype=dtype, pii=kind, description=f"The {name} of a person.", tags={"about": name})


PEOPLE = FeatureView(
    name="people",
    source=PushSource(name="crm", batch_source=FileSource(path="people.parquet")),
    entities=(person,),
    schema=(
        Field(name="age", dtype=Int64, description="Not zq_email_address."),
        _field("email", "address", String),
        _field("phone", "number", Int64),
        _field("health", "score", Float64),
        Field(name="visits", dtype=Float64),
        _field("email", "aliases", Array(String)),
        _field("phone", "raw", Bytes),
    ),
    ttl=timedelta(days=30),
    description="People with zq_phone_number and zq_health_score.",
    tags={"holds": "zq_email_address"},
    owner="crm",
)
VAULT = FeatureView(
    name="vault",
    source=FileSource(path="vault.parquet"),
    entities=(person,),
    schema=(_field("health", "illness", String), _field("place", "home", Array(Float64))),
)
DEVICES = FeatureView(
    name="devices",
    source=FileSource(path="devices.parquet"),
    entities=(device,),
    schema=(_field("place", "last", String), Field(name="model", dtype=String)),
)
ORDERS = FeatureView(
    name="orders",
    source=FileSource(path="orders.parquet"),
    entities=(person,),
    schema=(Field(name="count", dtype=Int64), Field(name="total", dtype=Float64)),
)


def _next_number(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {"zq_phone_next": [None if value is None else value + 1 for value in columns["zq_phone_number"]]}


def _scaled(columns: Mapping[str, Any]) -> dict[str, Any]:
    pairs = zip(columns["age"], columns["factor"], strict=True)
    return {"aged": [None if age is None or factor is None else age * factor for age, factor in pairs]}


NEXT_NUMBER = OnDemandFeatureView(
    name="next_number",
    sources=(PEOPLE[["zq_phone_number"]],),
    schema=(Field(name="zq_phone_next", dtype=Int64, description="After zq_phone_number."),),
    function=_next_number,
    mode="python",
)
SCALED = OnDemandFeatureView(
    name="scaled",
    sources=(PEOPLE[["age"]], RequestSource(name="ask", schema=(Field(name="factor", dtype=Int64),))),
    schema=(Field(name="aged", dtype=Int64),),
    function=_scaled,
    mode="python",
)
SERVICES = (
    FeatureService("everything", (PEOPLE, VAULT, ORDERS, NEXT_NUMBER), logging=True),
    FeatureService("mail", (PEOPLE[["zq_email_address", "age"]],), description="Uses zq_email_address."),
    FeatureService("secret", (VAULT,)),
    FeatureService("clean", (ORDERS, SCALED), logging=True),
    FeatureService("tracking", (DEVICES.with_name("trackers"),)),
)
VIEWS = (PEOPLE, VAULT, DEVICES, ORDERS)
CLASS_OF = {field.name: field.pii for view in VIEWS for field in view.schema if field.pii} | {"zq_phone_next": "phone"}
VIEW_OF = {field.name: view.name for view in VIEWS for field in view.schema if field.pii}


def _text(kind: str, row: int) -> str:
    return f"CANARY-{kind}-{row:06d}"


def _number(kind: str, row: int) -> int:
    return int(f"{NUMBER_MARK}{CLASSES.index(kind)}{row:06d}")


def _frame(**columns: Any) -> pd.DataFrame:
    events = pd.to_datetime(START_US - 60_000_000 - np.arange(ROWS), unit="us", utc=True)
    return pd.DataFrame({**columns, "event_timestamp": events})


def frames() -> dict[str, pd.DataFrame]:
    """Rows of every view; a few cells are null."""
    rows = range(ROWS)
    gaps = [None if row % 13 == 5 else row for row in rows]
    return {
        "people": _frame(
            person_id=list(rows),
            age=[row % 90 for row in rows],
            zq_email_address=[None if row is None else _text("email", row) for row in gaps],
            zq_phone_number=[_number("phone", row) for row in rows],
            zq_health_score=[float(_number("health", row)) for row in rows],
            visits=[row / 2 for row in rows],
            zq_email_aliases=[[_text("email", row), _text("email", row + 100)] for row in rows],
            zq_phone_raw=[_text("phone", row).encode() for row in rows],
        ),
        "vault": _frame(
            person_id=list(rows),
            zq_health_illness=[_text("health", row) for row in rows],
            zq_place_home=[[float(_number("place", row)), 1.5] for row in rows],
        ),
        "devices": _frame(
            device_id=[f"d{row}" for row in rows],
            slot=[str(row % 3) for row in rows],
            zq_place_last=[_text("place", row) for row in rows],
            model=["m"] * ROWS,
        ),
        "orders": _frame(person_id=list(rows), count=list(rows), total=[row * 1.25 for row in rows]),
    }


def write_grants(path: Path, grants: list[Grant]) -> None:
    """The grants as the YAML file that a store reads."""
    from reference_platform.features.times import instant

    lines = ["grants:"]
    for grant in grants:
        lines += [
            f"  - role: {grant.role}",
            f"    purpose: {grant.purpose}",
            f"    pii: [{', '.join(grant.pii)}]",
            f"    features: [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in grant.features)}]",
            f'    expires: "{instant(grant.expires_us).isoformat()}"',
            "    granted_by: privacy",
            "    reason: fuzz",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one caller may see at one instant, worked out from the grants without the code under test."""

    names: frozenset[str]
    classes: frozenset[str]

    @classmethod
    def of(cls, grants: list[Grant], role: str, purpose: str, now_us: int) -> Rights:
        """Names and classes that some unexpired grant covers."""
        live = [g for g in grants if (g.role, g.purpose) == (role, purpose) and now_us < g.expires_us]
        classes = frozenset(kind for grant in live for kind in grant.pii)
        single = {reference.partition(":")[2] for grant in live for reference in grant.features}
        names = {name for name, kind in CLASS_OF.items() if kind in classes or name in single}
        if "zq_phone_number" in names:
            names.add("zq_phone_next")
        else:
            names.discard("zq_phone_next")
        return cls(frozenset(names), classes | {CLASS_OF[name] for name in names})


def leaks(text: str, rights: Rights, typed: str = "") -> list[str]:
    """Hidden values and names in `text`. What the caller typed may come back; nothing else hidden may."""
    found = [match[0] for match in VALUE.finditer(text) if _class_of(match) not in rights.classes]
    return found + [
        name for name in set(NAME.findall(text)) if name in CLASS_OF and name not in rights.names and name not in typed
    ]


def _class_of(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    # Bytes turn up in hexadecimal or base64, and only phone numbers are bytes.
    return CLASSES[int(match[2])] if match[2] else "phone"

"""A small set of declarations with personal data in it, for tests of governance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.governance.access import Grant
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource
from reference_platform.features.types import Float64, Int64, String

HOUR_US = 3_600_000_000
NOW_US = 1_700_000_000_000_000

user = Entity("user", join_keys=("user_id",), owner="crm")
shop = Entity("shop", join_keys=("shop_id",))


def _length(columns: Any) -> Any:
    return {"domain_length": [len(value or "") for value in columns["mailbox"]]}


def _double(columns: Any) -> Any:
    return {"doubled": [2 * value for value in columns["age"]]}


def profile(**changed: Any) -> FeatureView:
    """A view with three personal fields and one that is not; `changed` are its arguments."""
    arguments: dict[str, Any] = {
        "name": "profile",
        "source": FileSource(path="data/profile.parquet"),
        "entities": (user,),
        "schema": (
            Field(name="age", dtype=Int64, description="Years since birth; unlike mailbox, not personal.", unit="year"),
            Field(name="mailbox", dtype=String, description="Where mailbox owners are written to.", pii="email"),
            Field(name="mailbox_two", dtype=String, pii="email"),
            Field(name="mobile_no", dtype=String, pii="phone", tags={"hint": "mobile_no of the user"}),
        ),
        "ttl": timedelta(days=30),
        "owner": "crm",
        "description": "Who our users are, mobile_no included.",
        "freshness_sla": timedelta(hours=1),
        "tags": {"team": "crm"},
    }
    return FeatureView(**(arguments | changed))


def secrets(**changed: Any) -> FeatureView:
    """A view of nothing but personal data."""
    arguments: dict[str, Any] = {
        "name": "vault",
        "source": FileSource(path="data/vault.parquet"),
        "entities": (user,),
        "schema": (Field(name="passport", dtype=String, pii="document"),),
    }
    return FeatureView(**(arguments | changed))


def sales(**changed: Any) -> FeatureView:
    """A view without personal data."""
    arguments: dict[str, Any] = {
        "name": "sales",
        "source": FileSource(path="data/sales.parquet", owner="shops"),
        "entities": (shop,),
        "schema": (Field(name="sum_7d", dtype=Float64), Field(name="count_7d", dtype=Int64)),
        "owner": "shops",
    }
    return FeatureView(**(arguments | changed))


def everything(*, profile_view: FeatureView | None = None, sales_view: FeatureView | None = None) -> DefinitionSet:
    """All of it, with two on-demand views and four services."""
    people, vault, shops = profile_view or profile(), secrets(), sales_view or sales()
    about_mail = OnDemandFeatureView(
        name="mail_facts",
        sources=(people[["mailbox"]],),
        schema=(Field(name="domain_length", dtype=Int64),),
        function=_length,
        mode="python",
    )
    doubled = OnDemandFeatureView(
        name="doubles",
        sources=(people[["age"]], RequestSource(name="ask", schema=(Field(name="factor", dtype=Int64),))),
        schema=(Field(name="doubled", dtype=Int64),),
        function=_double,
        mode="python",
        owner="risk",
    )
    return DefinitionSet.of(
        [
            FeatureService("churn", (people, shops[["sum_7d"]], doubled), owner="growth", description="For churn."),
            FeatureService("letters", (people[["mailbox", "mobile_no"]], about_mail)),
            FeatureService("border", (vault,)),
            FeatureService("turnover", (shops.with_name("selling"),), owner="shops"),
        ]
    )


def grant(**changed: Any) -> Grant:
    """Support may read e-mail addresses to answer tickets, for an hour."""
    arguments: dict[str, Any] = {
        "role": "support",
        "purpose": "tickets",
        "expires_us": NOW_US + HOUR_US,
        "granted_by": "privacy",
        "reason": "T-1",
        "pii": ("email",),
    }
    return Grant(**(arguments | changed))

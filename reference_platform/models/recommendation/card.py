"""Card of the recommendation model."""

from __future__ import annotations

from reference_platform.models.card import GIB, BusinessMetric, Footprint, Label, ModelCard, VersionSpec
from reference_platform.models.recommendation.decision import answer, decide, fallback
from reference_platform.models.schema import CUSTOMER_ACTIVITY, ModelSchema, logged

_SCHEMA = ModelSchema(
    model="recommendation",
    views=(CUSTOMER_ACTIVITY,),
    context=("hour_sin", "hour_cos"),
    log_columns=logged(CUSTOMER_ACTIVITY, "hours_since_click", "purchases_7d", "clicks_24h"),
)

_COMPLAINT = (
    "Click-through on recommendations is down {fall:.0%} on what I reported at the start of the week,"
    " and support says customers see what they looked at days ago. No alert, nothing red. What is going on?"
)

RECOMMENDATION = ModelCard(
    package=__package__,
    short="rec",
    owner="personalisation",
    latency_class="page",
    label=Label("the category clicked", "minutes"),
    proxy_metric="catalogue coverage",
    business=BusinessMetric("shop_click_ratio", "ctr", by_route=True, complaint=_COMPLAINT),
    schema=_SCHEMA,
    versions=(
        VersionSpec(_SCHEMA, 1, Footprint(4 * GIB, 5 * GIB, 18.0, 61.0), hidden=(), epochs=12, data_ratio=0.04),
        VersionSpec(_SCHEMA, 2, Footprint(4 * GIB, 5 * GIB, 18.0, 33.0), hidden=(16,), epochs=10, data_ratio=0.4),
        VersionSpec(_SCHEMA, 3, Footprint(4 * GIB, 5 * GIB, 20.0, 9.0), hidden=(32,), epochs=8, data_ratio=0.6),
        VersionSpec(_SCHEMA, 4, Footprint(11 * GIB, 14 * GIB, 45.0, 0.4), hidden=(96,), epochs=10),
    ),
    aliases={"champion": 3},
    head="logits",
    decide=decide,
    fallback=fallback,
    fallback_text="the most wanted categories, the same for everybody",
    answer=answer,
)

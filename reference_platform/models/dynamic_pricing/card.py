"""Card of the dynamic pricing model."""

from __future__ import annotations

from dataclasses import replace

from reference_platform.models.card import GIB, BusinessMetric, Footprint, Label, ModelCard, VersionSpec
from reference_platform.models.dynamic_pricing.decision import answer, decide, fallback
from reference_platform.models.schema import CARD_VELOCITY, PRODUCT_POPULARITY, ModelSchema, logged

_SCHEMA = ModelSchema(
    model="dynamic-pricing",
    views=(CARD_VELOCITY, PRODUCT_POPULARITY),
    context=("log_price", "cost_ratio", "hour_sin", "hour_cos"),
    log_columns=(*logged(CARD_VELOCITY), *logged(PRODUCT_POPULARITY)),
)
_PRODUCT_ONLY = replace(_SCHEMA, views=(PRODUCT_POPULARITY,), log_columns=logged(PRODUCT_POPULARITY))
"""The first version gives everybody the same price."""

DYNAMIC_PRICING = ModelCard(
    package=__package__,
    short="price",
    owner="pricing",
    latency_class="page",
    label=Label("bought at the price shown, or not", "minutes"),
    proxy_metric="mean discount offered",
    business=BusinessMetric("shop_purchase_ratio", "bought", by_route=True),
    schema=_SCHEMA,
    versions=(
        VersionSpec(_PRODUCT_ONLY, 1, Footprint(2 * GIB, 2 * GIB, 10.0, 40.0), hidden=(8,), epochs=8, data_ratio=0.5),
        VersionSpec(_SCHEMA, 2, Footprint(2 * GIB, 3 * GIB, 11.0, 6.0), hidden=(32,), epochs=12),
    ),
    aliases={"champion": 2},
    head="probability",
    decide=decide,
    fallback=fallback,
    fallback_text="the list price for everybody",
    answer=answer,
)

"""Card of the fraud detection model."""

from __future__ import annotations

from dataclasses import replace

from reference_platform.models.card import GIB, BusinessMetric, Footprint, Label, ModelCard, VersionSpec
from reference_platform.models.fraud_detection.decision import answer, decide, fallback
from reference_platform.models.schema import CARD_VELOCITY, MERCHANT_RISK, ModelSchema, logged

_SCHEMA = ModelSchema(
    model="fraud-detection",
    views=(CARD_VELOCITY, MERCHANT_RISK),
    context=("log_amount", "new_device", "hour_sin", "hour_cos"),
    log_columns=(*logged(CARD_VELOCITY), *logged(MERCHANT_RISK, "payments_24h", "amount_spike_ratio")),
)
_CARD_ONLY = replace(_SCHEMA, views=(CARD_VELOCITY,), log_columns=logged(CARD_VELOCITY))
"""The first version reads the card's history only."""

FRAUD_DETECTION = ModelCard(
    package=__package__,
    short="fraud",
    owner="payments-risk",
    latency_class="checkout",
    label=Label("a chargeback, or none", "30-90 days"),
    proxy_metric="false positive share of manual review",
    business=BusinessMetric("shop_payments_declined_ratio", "declined", by_route=False),
    schema=_SCHEMA,
    versions=(
        VersionSpec(_CARD_ONLY, 1, Footprint(3 * GIB, 3 * GIB, 12.0, 75.0), hidden=(8,), epochs=8, data_ratio=0.5),
        VersionSpec(_SCHEMA, 2, Footprint(3 * GIB, 3 * GIB, 12.0, 26.0), hidden=(32,), epochs=10),
        VersionSpec(_SCHEMA, 3, Footprint(3 * GIB, 3 * GIB, 14.0, 2.0), hidden=(64, 32), epochs=12),
    ),
    aliases={"champion": 2, "challenger": 3},
    head="probability",
    decide=decide,
    fallback=fallback,
    fallback_text="decline above a fixed amount",
    answer=answer,
)

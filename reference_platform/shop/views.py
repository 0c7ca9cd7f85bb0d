"""The shop's four feature views, and the transforms that fill them.

Every window is an exponential one: "24 h" means decayed with a time constant of 24 h, so a steady 10 events an hour
read 240.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.sources import TableSource
from reference_platform.features.types import Float32, Int32
from reference_platform.shop.clicks import CustomerActivity, ProductPopularity
from reference_platform.shop.payments import CardVelocity, MerchantRisk
from reference_platform.shop.transform import Transform

CUSTOMER_ACTIVITY = "customer_activity"
CARD_VELOCITY = "card_velocity"
MERCHANT_RISK = "merchant_risk"
PRODUCT_POPULARITY = "product_popularity"

EVERY_S = 300.0
FRESHNESS_SLA_S = 900.0
TTL_S = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class ShopSize:
    """How many of each thing the shop has."""

    customers: int = 5000
    products: int = 1500
    categories: int = 24
    merchants: int = 300


@dataclass(frozen=True, slots=True)
class ShopViews:
    """The four views at one size."""

    size: ShopSize
    customer_activity: FeatureView
    card_velocity: FeatureView
    merchant_risk: FeatureView
    product_popularity: FeatureView

    def all(self) -> tuple[FeatureView, ...]:
        """Every view, in one fixed order."""
        return (self.customer_activity, self.card_velocity, self.merchant_risk, self.product_popularity)


def shop_views(size: ShopSize) -> ShopViews:
    """Declare the views for a shop of `size`."""
    customer = _entity("customer", size.customers)
    return ShopViews(
        size=size,
        customer_activity=_customer_activity(customer, size.categories),
        card_velocity=_view(
            CARD_VELOCITY,
            customer,
            (
                _feature("payments_1h", "count", "payments, decayed over 1 h"),
                _feature("amount_1h", "eur", "amount paid, decayed over 1 h"),
                _feature("amount_mean_30d", "eur", "mean payment, decayed over 30 d"),
                _feature("new_device_24h", "count", "payments from a new device, decayed over 24 h"),
            ),
            source="payments",
            owner="payments-risk",
            description="How fast and how unusually a customer is paying.",
        ),
        merchant_risk=_view(
            MERCHANT_RISK,
            _entity("merchant", size.merchants),
            (
                _feature("payments_24h", "count", "payments, decayed over 24 h"),
                _feature("new_device_ratio_24h", "ratio", "share of payments from a new device, decayed over 24 h"),
                _feature("amount_spike_ratio", "ratio", "mean amount of the day over that of the month"),
            ),
            source="payments",
            owner="payments-risk",
            description="How suspicious a merchant looks before any chargeback is known.",
        ),
        product_popularity=_view(
            PRODUCT_POPULARITY,
            _entity("product", size.products),
            (
                _feature("clicks_24h", "count", "clicks, decayed over 24 h"),
                _feature("purchases_24h", "count", "purchases, decayed over 24 h"),
                _feature("clicks_1h", "count", "clicks, decayed over 1 h"),
                _feature("trend_ratio", "ratio", "clicks of the hour over what the day suggests at this hour"),
            ),
            source="clicks",
            owner="search",
            description="How popular a product is, and whether it is rising.",
        ),
    )


def shop_transforms(views: ShopViews) -> tuple[Transform, ...]:
    """Fresh, empty transforms in the order of `views.all()`."""
    return (
        CustomerActivity(views.customer_activity, views.size.categories),
        CardVelocity(views.card_velocity),
        MerchantRisk(views.merchant_risk),
        ProductPopularity(views.product_popularity),
    )


def _customer_activity(customer: Entity, categories: int) -> FeatureView:
    shares = tuple(
        _feature(f"category_share_{index:02d}", "ratio", f"share of clicks in category {index}, decayed over 24 h")
        for index in range(categories)
    )
    rest = (
        _feature("hours_since_click", "hours", "time since the last click, at most 168"),
        _feature("purchases_7d", "count", "purchases, decayed over 7 d"),
        _feature("clicks_24h", "count", "clicks, decayed over 24 h"),
    )
    return _view(
        CUSTOMER_ACTIVITY,
        customer,
        shares + rest,
        source="clicks",
        owner="personalisation",
        description="What a customer has been looking at.",
    )


def _entity(name: str, count: int) -> Entity:
    return Entity(name, value_type=Int32, description=f"a {name} of the shop", key_count=count)


def _feature(name: str, unit: str, description: str) -> Field:
    return Field(name=name, dtype=Float32, unit=unit, description=description)


def _view(
    name: str, entity: Entity, features: tuple[Field, ...], *, source: str, owner: str, description: str
) -> FeatureView:
    return FeatureView(
        name=name,
        entities=(entity,),
        schema=features,
        source=TableSource(name=source, description=f"{source} of the shop, as they happen", owner=owner),
        every=timedelta(seconds=EVERY_S),
        freshness_sla=timedelta(seconds=FRESHNESS_SLA_S),
        ttl=timedelta(seconds=TTL_S),
        owner=owner,
        description=description,
    )

"""The shop's four feature views, and the transforms that fill them.

Every window is an exponential one: "24 h" means decayed with a time constant of 24 h, so a steady 10 events an hour
read 240.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_platform.features.clicks import CustomerActivity, ProductPopularity
from reference_platform.features.definitions import Entity, Feature, FeatureView
from reference_platform.features.payments import CardVelocity, MerchantRisk
from reference_platform.features.transform import Transform

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
    customer = Entity("customer", size.customers)
    return ShopViews(
        size=size,
        customer_activity=_customer_activity(customer, size.categories),
        card_velocity=_view(
            CARD_VELOCITY,
            customer,
            (
                Feature("payments_1h", "count", "payments, decayed over 1 h"),
                Feature("amount_1h", "eur", "amount paid, decayed over 1 h"),
                Feature("amount_mean_30d", "eur", "mean payment, decayed over 30 d"),
                Feature("new_device_24h", "count", "payments from a new device, decayed over 24 h"),
            ),
            source="payments",
            owner="payments-risk",
            description="How fast and how unusually a customer is paying.",
        ),
        merchant_risk=_view(
            MERCHANT_RISK,
            Entity("merchant", size.merchants),
            (
                Feature("payments_24h", "count", "payments, decayed over 24 h"),
                Feature("new_device_ratio_24h", "ratio", "share of payments from a new device, decayed over 24 h"),
                Feature("amount_spike_ratio", "ratio", "mean amount of the day over that of the month"),
            ),
            source="payments",
            owner="payments-risk",
            description="How suspicious a merchant looks before any chargeback is known.",
        ),
        product_popularity=_view(
            PRODUCT_POPULARITY,
            Entity("product", size.products),
            (
                Feature("clicks_24h", "count", "clicks, decayed over 24 h"),
                Feature("purchases_24h", "count", "purchases, decayed over 24 h"),
                Feature("clicks_1h", "count", "clicks, decayed over 1 h"),
                Feature("trend_ratio", "ratio", "clicks of the hour over what the day suggests at this hour"),
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
        Feature(f"category_share_{index:02d}", "ratio", f"share of clicks in category {index}, decayed over 24 h")
        for index in range(categories)
    )
    rest = (
        Feature("hours_since_click", "hours", "time since the last click, at most 168"),
        Feature("purchases_7d", "count", "purchases, decayed over 7 d"),
        Feature("clicks_24h", "count", "clicks, decayed over 24 h"),
    )
    return _view(
        CUSTOMER_ACTIVITY,
        customer,
        shares + rest,
        source="clicks",
        owner="personalisation",
        description="What a customer has been looking at.",
    )


def _view(
    name: str, entity: Entity, features: tuple[Feature, ...], *, source: str, owner: str, description: str
) -> FeatureView:
    return FeatureView(
        name=name,
        entity=entity,
        features=features,
        source=source,
        every_s=EVERY_S,
        freshness_sla_s=FRESHNESS_SLA_S,
        ttl_s=TTL_S,
        owner=owner,
        description=description,
    )

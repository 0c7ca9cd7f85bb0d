"""Card of the search ranking model."""

from __future__ import annotations

from reference_platform.models.card import GIB, BusinessMetric, Footprint, Label, ModelCard, VersionSpec
from reference_platform.models.schema import PRODUCT_POPULARITY, ModelSchema, logged
from reference_platform.models.search_ranking.decision import CANDIDATES, answer, decide, fallback

_SCHEMA = ModelSchema(
    model="search-ranking",
    views=(PRODUCT_POPULARITY,),
    context=("relevance",),
    log_columns=logged(PRODUCT_POPULARITY),
    rows_per_request=CANDIDATES,
)

SEARCH_RANKING = ModelCard(
    package=__package__,
    short="search",
    owner="search",
    latency_class="search",
    label=Label("the candidate clicked", "minutes"),
    proxy_metric="zero-result share",
    business=BusinessMetric("shop_click_ratio", "ctr", by_route=True),
    schema=_SCHEMA,
    versions=(
        VersionSpec(_SCHEMA, 1, Footprint(4 * GIB, 4 * GIB, 15.0, 48.0), hidden=(), epochs=10, data_ratio=0.3),
        VersionSpec(_SCHEMA, 2, Footprint(4 * GIB, 4 * GIB, 16.0, 15.0), hidden=(24,), epochs=10),
    ),
    aliases={"champion": 2},
    head="score",
    decide=decide,
    fallback=fallback,
    fallback_text="by text relevance only",
    answer=answer,
)

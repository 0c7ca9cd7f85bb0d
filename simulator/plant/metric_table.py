"""Every metric that a platform exports, its labels, and the values it can have: what a query may ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reference_platform.models.catalogue import CARDS
from reference_platform.monitoring.slo import WINDOWS_S
from reference_platform.shop.consumer import DEAD_KINDS
from reference_platform.shop.topics import CONTRACTS, PARTITIONS

ROUTE, DEPLOYMENT, NODE, VIEW, ANY = "a route", "a deployment", "a node", "a view", "anything"
Values = str | tuple[str, ...]
"""What a label can say: one of these words, or a kind of thing that the platform's document names."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Labels with what they can say, and the ends of the range of values."""

    labels: Mapping[str, Values]
    low: float = 0.0
    high: float = math.inf


_SOURCES = tuple(CONTRACTS)
_PARTITION = tuple(str(number) for number in range(PARTITIONS))
_DRIFT = Metric({"model": ROUTE, "feature": ANY, "window": ANY})
_BY_ROUTE, _BY_MODEL, _BY_DEPLOYMENT = (
    Metric({"route": ROUTE}),
    Metric({"model": ROUTE}),
    Metric({"deployment": DEPLOYMENT}),
)
_BY_SOURCE, _ONE = Metric({"source": _SOURCES}), Metric({})

METRICS: Mapping[str, Metric] = {
    "DCGM_FI_DEV_FB_USED": Metric({"node": NODE}),
    "DCGM_FI_DEV_GPU_UTIL": Metric({"node": NODE}, high=100.0),
    "container_memory_working_set_bytes": _BY_DEPLOYMENT,
    "feature_age_seconds": Metric({"view": VIEW}),
    "feature_cache_hit_ratio": Metric({"route": ROUTE}, high=1.0),
    "feature_client_pool_timeouts_total": _BY_ROUTE,
    "feature_psi": _DRIFT,
    "feature_psi_level": _DRIFT,
    "feature_read_age_seconds": Metric({"model": ROUTE, "view": VIEW}),
    "gateway_request_duration_seconds": Metric({"route": ROUTE, "quantile": ("0.5", "0.99")}),
    "gateway_requests_total": Metric({"route": ROUTE, "code": ("200", "504", "503", "500")}),
    "gateway_retries_total": _BY_ROUTE,
    "ingest_dead_letters_total": Metric({"source": _SOURCES, "reason": tuple(DEAD_KINDS)}),
    "ingest_event_age_seconds": Metric({"source": _SOURCES}, low=-math.inf),
    "ingest_event_delay_seconds": Metric({"source": _SOURCES}, low=-math.inf),
    "ingest_events_total": _BY_SOURCE,
    "ingest_lag_records": Metric({"source": _SOURCES, "partition": _PARTITION}),
    "ingest_late_events_total": _BY_SOURCE,
    "ingest_null_ratio": Metric({"source": _SOURCES, "column": ANY}, high=1.0),
    "ingest_repeats_removed_total": _BY_SOURCE,
    "ingest_unsent_records": _BY_SOURCE,
    "ingest_value_mean": Metric({"source": _SOURCES, "column": ANY}, low=-math.inf),
    "kube_deployment_spec_replicas": _BY_DEPLOYMENT,
    "kube_deployment_status_replicas_ready": _BY_DEPLOYMENT,
    "kube_pod_container_status_restarts_total": _BY_DEPLOYMENT,
    "materializer_rows_per_second": Metric({"view": VIEW}),
    "model_batch_size_mean": _BY_MODEL,
    "model_prediction_mean": Metric({"model": ROUTE}, low=-math.inf),
    "model_queue_length": _BY_MODEL,
    "model_requests_total": Metric({"model": ROUTE, "arm": ANY, "version": ANY, "code": ("200", "504", "503", "500")}),
    "online_store_connections_in_use": Metric({"client": ANY}),
    "online_store_connections_max": _ONE,
    "online_store_miss_ratio": Metric({"model": ROUTE, "view": VIEW}, high=1.0),
    "online_store_outside_max_age_ratio": Metric({"model": ROUTE, "view": VIEW}, high=1.0),
    "online_store_read_seconds": _ONE,
    "online_store_reads_total": _ONE,
    "online_store_wait_seconds": _ONE,
    "shop_responses_total": Metric({"route": ROUTE, "source": ("model", "default", "error")}),
    "slo_burn_rate": Metric({"route": ROUTE, "window": tuple(WINDOWS_S)}),
    "slo_error_ratio": Metric({"route": ROUTE, "window": tuple(WINDOWS_S)}, high=1.0),
} | {card.business.name: Metric(card.business.labels(ROUTE), high=1.0) for card in CARDS.values()}

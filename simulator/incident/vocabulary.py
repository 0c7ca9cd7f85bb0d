"""The words in which causes are stated: components that every platform has, and mechanisms."""

from __future__ import annotations

from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, REGISTRY, STORE

ALWAYS = (
    GATEWAY,
    FALLBACK,
    STORE,
    "offline-store",
    MATERIALIZER,
    REGISTRY,
    "gpu-pool",
    "dns",
    "network",
    "traffic",
    "alerting",
)
"""Components of every platform; models, workloads and machines come with the platform's own names."""

MECHANISMS: dict[str, str] = {
    "bad_deploy": "a roll-out or job that should not have shipped",
    "cache_stampede": "many clients fill the same cold cache at once",
    "capacity_shortage": "healthy, but too few replicas for the load",
    "certificate_expired": "a certificate is past its date",
    "clock_skew": "a machine's clock is ahead or behind",
    "concept_drift": "the world changed, so right features give wrong predictions",
    "config_error": "a setting is wrong",
    "connection_exhaustion": "somebody holds the connections that others need",
    "crash_loop": "a process dies and restarts again and again",
    "data_drift": "inputs look different from training",
    "disk_full": "no space left",
    "dns_failure": "names do not resolve",
    "duplicate_events": "the same event is counted more than once",
    "feature_skew": "training and serving compute a feature differently",
    "gpu_failure": "a device or its driver is broken",
    "label_delay": "labels have not arrived yet",
    "memory_exceeded": "more memory is needed than the limit or device allows",
    "missing_values": "a field is no longer filled",
    "model_regression": "a version predicts worse than the one before",
    "network_partition": "parts cannot reach each other",
    "node_failure": "a machine is down or unhealthy",
    "partition_unassigned": "a part of a stream is read by nobody",
    "retry_storm": "clients repeat requests faster than they can be answered",
    "schema_mismatch": "a column changed name or type",
    "seasonal_dip": "the rhythm of the week, and nothing else",
    "slow_dependency": "something that others wait for has become slow",
    "stalled_job": "a job is alive but does not advance",
    "traffic_spike": "more requests than usual",
    "unit_change": "numbers arrive in another unit",
    "wrong_event_time": "events carry a time that is not when they happened",
}

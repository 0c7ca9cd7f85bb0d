"""What an output is evidence for: it must concern the component, and be of a kind that can show the mechanism.

This file is the one place that decides it. `weigh` looks at the form of the command alone, not at the numbers that it
printed; whatever measures those can take its place without anybody who calls it noticing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import parse
from reference_platform.monitoring.promql_nodes import Selector
from simulator.incident.record import Hypothesis, Output
from simulator.incident.tags import Sight
from simulator.shell.components import bears_on
from simulator.shell.context import Operator
from simulator.shell.line import split_pipes
from simulator.shell.query import selectors
from simulator.shell.registry import find

_POD_LINE = re.compile(r"(?:shop\s+)?([a-z0-9-]+)\s+(\d+/\d+)\s+([A-Za-z]\S*)\s+(\d+)")
Direction = Literal["for", "against"]

HALF = 0.5
_LOUD = re.compile(r"\b(WARN|ERROR)\b")
ANSWERED = "shop_responses_total"
"""What `compare` compares when no query is given."""

_NAME = re.compile(r"[a-z]{3,}(-[a-z]+)*")
"""A route, or "traffic": `compare` spells them out. Names of metrics have underscores, but for `up`."""

_SYMPTOMS: tuple[Sight, ...] = ("pods", "describe", "events", "logs")
SHOWN_BY: Mapping[str, tuple[Sight, ...]] = {
    "bad_deploy": (
        "changes", *_SYMPTOMS, "usage", "gpu", "registry", "connections", "latency", "settings", "ingest", "jobs",
        "values", "request",
    ),
    "cache_stampede": ("logs", "connections", "latency", "dashboard"),
    "capacity_shortage": (*_SYMPTOMS, "usage", "gpu", "nodes", "slo", "request", "dashboard"),
    "certificate_expired": ("certificate", "request", "logs"),
    "clock_skew": ("clocks", "ingest", "logs"),
    "concept_drift": ("history", "values"),
    "config_error": (
        *_SYMPTOMS, "settings", "connections", "rules", "changes", "history", "registry", "usage", "gpu", "ingest",
    ),
    "connection_exhaustion": ("connections", "logs", "dashboard"),
    "crash_loop": (*_SYMPTOMS,),
    "data_drift": ("history", "values", "ingest"),
    "disk_full": ("nodes", "describe", "events", "logs"),
    "dns_failure": ("network", "logs", "request"),
    "duplicate_events": ("ingest", "logs", "values"),
    "feature_skew": ("values", "ingest", "registry"),
    "gpu_failure": ("gpu", "nodes", "describe", "events", "logs"),
    "label_delay": ("jobs", "registry"),
    "memory_exceeded": (*_SYMPTOMS, "usage", "gpu", "registry"),
    "missing_values": ("ingest", "logs", "values"),
    "model_regression": ("registry", "history", "changes", "request"),
    "network_partition": ("network", "logs", "request"),
    "node_failure": ("nodes", "describe", "events", "pods"),
    "partition_unassigned": ("ingest", "logs"),
    "retry_storm": ("logs", "dashboard"),
    "schema_mismatch": ("ingest", "logs", "values"),
    "seasonal_dip": ("history",),
    "slow_dependency": ("latency", "connections", "settings", "logs", "request", "dashboard", "slo"),
    "stalled_job": ("jobs", "ingest", "logs", "values"),
    "traffic_spike": ("history", "dashboard", "slo"),
    "unit_change": ("ingest", "values"),
    "wrong_event_time": ("ingest", "clocks", "logs"),
}  # fmt: skip
"""Kinds of output that can show a mechanism."""
SHOWN_IN: Mapping[str, tuple[str, ...]] = {
    "bad_deploy": ("",),
    "cache_stampede": ("feature_cache", "online_store"),
    "capacity_shortage": ("model_", "gateway_", "kube_", "container_", "DCGM_", "shop_responses"),
    "clock_skew": ("ingest_",),
    "concept_drift": ("feature_psi", "shop_", "model_prediction"),
    "config_error": ("",),
    "connection_exhaustion": ("online_store_connections", "online_store_wait", "feature_client"),
    "crash_loop": ("kube_",),
    "data_drift": ("feature_psi", "ingest_", "model_prediction"),
    "duplicate_events": ("ingest_",),
    "feature_skew": ("feature_psi",),
    "gpu_failure": ("DCGM_",),
    "label_delay": ("shop_",),
    "memory_exceeded": ("kube_pod", "container_memory", "DCGM_FI_DEV_FB"),
    "missing_values": ("ingest_",),
    "model_regression": ("shop_click", "shop_payments", "model_prediction"),
    "partition_unassigned": ("ingest_",),
    "retry_storm": ("gateway_", "shop_responses"),
    "schema_mismatch": ("ingest_",),
    "slow_dependency": ("online_store_", "gateway_request_duration", "feature_client"),
    "stalled_job": ("feature_age", "feature_read_age", "ingest_", "materializer_"),
    "traffic_spike": ("gateway_", "shop_responses"),
    "unit_change": ("ingest_", "feature_psi"),
    "wrong_event_time": ("ingest_",),
}  # fmt: skip
"""Beginnings of the names of metrics that can show a mechanism; "" is every metric."""

NO_STATE: frozenset[Sight] = frozenset(("alerts", "rules"))
"""What shows no state of a component. Everything else may show it well, or unchanged, and so speak against anything."""
SEEN_AT_PODS = ("capacity_shortage", "crash_loop", "memory_exceeded")
"""What a list of pods shows when it is there, so that a list of sound pods speaks against it."""
SEEN_IN_USE = ("capacity_shortage", "memory_exceeded")
"""What a table of use shows when it is there."""
SEEN_AT_NODES = ("capacity_shortage", "gpu_failure", "memory_exceeded", "node_failure")
"""What a list of nodes or GPUs shows when it is there."""
ELSEWHERE = ("traffic",)
"""Components whose history must be that of what the alert is about."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Whether an output counts for or against a hypothesis, how much, and what to say when it does not."""

    concerns: bool
    strength: float
    because: str

    @property
    def relevant(self) -> bool:
        """It concerns the component and can show the mechanism."""
        return self.concerns and self.strength > 0.0


def weigh(op: Operator, item: Hypothesis, output: Output, direction: Direction) -> Weight:
    """What `output` is worth for or against `item`; `strength` is 0, 0.5 or 1."""
    if not bears_on(op, item.component, output.subjects):
        if direction == "against" and _all_sound(op, item, output):
            return Weight(True, 1.0, "")
        about = ", ".join(output.subjects) or "no component in particular"
        return Weight(False, 0.0, f"it shows nothing about {item.component}: it is about {about}")
    seen = sights(output)
    if item.mechanism not in SHOWN_BY or can_show(seen, item.mechanism):
        if item.component in ELSEWHERE and "history" in seen and not _of_the_alert(op, output):
            return Weight(True, 0.0, "it looks back at something else than the alert is about")
        if direction == "for" and item.mechanism == "bad_deploy":
            if seen == {"changes"}:
                return Weight(True, HALF, "that something was rolled out shows no harm: by itself it counts half")
            if seen == {"logs"} and not _LOUD.search(output.text):
                return Weight(True, HALF, "these lines complain of nothing: by themselves they count half")
        return Weight(True, 1.0, "")
    if direction == "against" and seen - NO_STATE:
        return Weight(True, 1.0, "")
    return Weight(True, 0.0, f"an output of this kind cannot show {item.mechanism}")


def _all_sound(op: Operator, item: Hypothesis, output: Output) -> bool:
    """Whether a list shows every pod or node of the component, and nothing wrong with any.

    A long list in which nothing is wrong is about no component in particular, so it is evidence for nothing; where
    what is suspected would show, it speaks against it.
    """
    seen = sights(output)
    if item.component == "gpu-pool":
        names = [node.name for node in op.plant.spec.nodes if node.gpu_memory]
        listed = seen <= {"gpu", "nodes"} or "nodes" in output.looked
        return listed and item.mechanism in SEEN_AT_NODES and bool(names) and _names_all(output, names)
    if seen == {"pods"} and "pods" in output.looked:
        return item.mechanism in SEEN_AT_PODS and _all_pods_sound(op, item.component, output)
    pods = [pod for name in op.plant.cluster.deployments for pod in op.plant.cluster.ready_pods(name)]
    own = [pod.name for pod in pods if op.plant.cluster.component_of(pod.deployment) == item.component]
    return seen == {"usage"} and item.mechanism in SEEN_IN_USE and bool(own) and _names_all(output, own)


def _names_all(output: Output, names: Sequence[str]) -> bool:
    return all(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", output.text) for name in names)


def _all_pods_sound(op: Operator, component: str, output: Output) -> bool:
    """Whether a list of pods shows as many of the component's as there should be, all ready and never restarted."""
    cluster = op.plant.cluster
    own = [item for name, item in cluster.deployments.items() if cluster.component_of(name) == component]
    names = tuple(f"{item.spec.name}-" for item in own)
    shown = [found for found in map(_POD_LINE.match, output.text.splitlines()) if found and found[1].startswith(names)]
    sound = [found for found in shown if (found[2], found[3], found[4]) == ("1/1", "Running", "0")]
    wanted = sum(item.replicas for item in own if not item.deleted)
    return 0 < wanted <= len(sound) == len(shown)


def sights(output: Output) -> frozenset[str]:
    """As what an output is weighed, `metric:NAME` for what a query asks; empty for what is no command any more."""
    try:
        words = split_pipes(output.line)[0]
        found, rest = find(words)
    except CommandError:
        return frozenset()
    if found.sight == "query":
        asked = [item.name for item in queried(" ".join(rest))] or [ANSWERED]
        return frozenset((*(f"metric:{name}" for name in asked), *(set(output.looked) & {"history"})))
    return frozenset((found.sight,) if found.sight is not None else ())


def queried(query: str) -> list[Selector]:
    """Selectors of a query, which may have flags behind it; none when it is a route's name or nothing."""
    text = re.split(r"\s--[a-z]", f" {query}", maxsplit=1)[0].strip().strip("'\"")
    if not text or _NAME.fullmatch(text):
        return []
    try:
        return list(selectors(parse(text).root))
    except CommandError:
        return []


def _of_the_alert(op: Operator, output: Output) -> bool:
    """Whether what was printed holds a route that an alert which has fired is about; True when none has.

    Numbers of no route in particular are of all together.
    """
    fired = {status.name for status in op.alerts.alerts() if status.alert_id is not None}
    asked = [item for rule in op.alerts.rules() if rule.name in fired for item in queried(rule.expr)]
    routes = {matcher.value for item in asked for matcher in item.matchers if matcher.label in ("route", "model")}
    if not routes:
        return True
    named = [matcher for item in queried(_query_of(output.line)) for matcher in item.matchers]
    narrowing = [matcher for matcher in named if matcher.label in ("route", "model")]
    kept = {route for route in routes if all(matcher.matches({matcher.label: route}) for matcher in narrowing)}
    shown = {model.name for model in op.plant.spec.models} & set(output.subjects)
    return bool(kept) and (bool(kept & shown) or not shown)


def _query_of(line: str) -> str:
    return line.partition(" ")[2]


def can_show(seen: frozenset[str], mechanism: str) -> bool:
    """Whether one of these sights can show the mechanism."""
    names = tuple(f"metric:{name}" for name in SHOWN_IN.get(mechanism, ()))
    return not seen.isdisjoint(SHOWN_BY[mechanism]) or any(sight.startswith(names) for sight in seen)

"""What is wrong with the platform of a scenario once its overlay is on it: names that lead nowhere, and no room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from reference_platform.errors import ContentError, PagerDrillError, nearest
from reference_platform.monitoring.slo import burn_rate_rules
from reference_platform.roles import ROLES
from reference_platform.shop.producers import STABLE
from reference_platform.shop.topics import CONTRACTS
from reference_platform.spec import DeploymentSpec, PlatformSpec
from scenarios.compile import platform_at
from scenarios.lint_queries import query_faults
from scenarios.loaded import LoadedScenario
from scenarios.places import in_overlay, problem, problem_within
from scenarios.shipped_names import registry, views
from simulator.incident.vocabulary import ALWAYS
from simulator.plant.metric_table import DEPLOYMENT, NODE, ROUTE, VIEW

_PRODUCERS = tuple(contract.producer for contract in CONTRACTS.values())


def platform_problems(loaded: LoadedScenario) -> Iterator[PagerDrillError]:
    """Everything that can be seen without running; at both ends of every range."""
    duplicates = list(_duplicates(loaded))
    yield from duplicates
    if duplicates:
        return
    told: set[str] = set()
    for share in (0.0, 1.0):
        spec = platform_at(loaded, share)
        for check in (_models, _deployments, _alerts, _dashboards, _numbers):
            for found in check(loaded, spec):
                if str(found) not in told:
                    told.add(str(found))
                    yield found
        if not told:
            yield from islice(_room(loaded, spec), 1)


def names_of(loaded: LoadedScenario) -> Mapping[str, Collection[str]]:
    """What queries may name, by kind; workloads that faults bring are among the deployments."""
    spec = platform_at(loaded, 0.0)
    brought = [str(fault.params.get("job", "loyalty-export")) for fault in loaded.scenario.faults]
    return {
        ROUTE: [model.name for model in spec.models],
        DEPLOYMENT: [*(item.name for item in spec.deployments), *brought],
        NODE: [node.name for node in spec.nodes],
        VIEW: views(),
    }


def _duplicates(loaded: LoadedScenario) -> Iterator[ContentError]:
    """Two things of one name in the platform's own document; the loader has looked at the overlay."""
    for kind in ("nodes", "models", "deployments", "alerts"):
        base = loaded.platform.get(kind)
        names = [str(item["name"]) for item in base if isinstance(item, dict)] if isinstance(base, list) else []
        for name, count in Counter(names).items():
            if count > 1:
                yield problem(loaded, ["platform"], f'the platform has {count} {kind} called "{name}"', "rename one")


def _models(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    registered = registry().names()
    deployed = {item.name: item for item in spec.deployments}
    for model in spec.models:
        path = in_overlay(loaded, "models", model.name, "name")
        if model.name not in registered:
            yield problem(loaded, path, f'no model "{model.name}" is registered', nearest(model.name, registered))
        for name in model.deployments() if model.name in registered else ():
            if name not in deployed or deployed[name].model != model.name:
                fix = f"add a deployment of that name with model: {model.name}"
                yield problem(loaded, path, f'no deployment "{name}" serves the model "{model.name}"', fix)
        if model.deadline <= 0.0:
            yield problem(
                loaded, _field(loaded, "models", model.name, "deadline"), "deadline: must be above 0s", "250ms"
            )
    if not any(model.route_share for model in spec.models):
        yield problem(loaded, ["overlay", "models"], "no route has a share of the requests", "give route_share")


def _deployments(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    for role in ROLES:
        if not spec.of_role(role):
            fix = f"write component: {role} at one, whatever its name"
            yield problem(loaded, ["platform"], f'the platform has no deployment of role "{role}"', fix)
    present = {item.name for item in spec.deployments}
    for name in _PRODUCERS:
        if name not in present:
            yield problem(
                loaded, ["platform"], f'the platform has no deployment "{name}"', "other parts call it by name"
            )
    models, pools = [model.name for model in spec.models], {node.pool for node in spec.nodes}
    for item in spec.deployments:
        if item.node_pool not in pools:
            path = _field(loaded, "deployments", item.name, "node_pool")
            yield problem(loaded, path, f'no node is in the pool "{item.node_pool}"', nearest(item.node_pool, pools))
        if item.model and item.model not in models:
            path = _field(loaded, "deployments", item.name, "model")
            yield problem(loaded, path, f'no model "{item.model}"', nearest(item.model, models))
        elif not item.model and item.name in models:
            path = _field(loaded, "deployments", item.name, "model")
            yield problem(loaded, path, f'"{item.name}" serves no model', f"write model: {item.name}")
        yield from _deployment(loaded, item)


def _deployment(loaded: LoadedScenario, item: DeploymentSpec) -> Iterator[ContentError]:
    if item.model_alias != "champion" and item.model:
        aliases = registry().aliases(item.model)
        if item.model_alias not in aliases:
            path = _field(loaded, "deployments", item.name, "model_alias")
            yield problem(
                loaded, path, f'{item.model} has no alias "{item.model_alias}"', nearest(item.model_alias, aliases)
            )
    if item.name in _PRODUCERS and item.release not in ("", STABLE):
        path = _field(loaded, "deployments", item.name, "release")
        yield problem(
            loaded, path, f'{item.name} has no release "{item.release}"', f"{STABLE} is the one that runs well"
        )
    if item.memory_limit <= 0:
        path = _field(loaded, "deployments", item.name, "memory_limit")
        yield problem(loaded, path, "memory_limit: must be above 0B", "such as 2Gi")
    elif not item.model and item.memory_use > item.memory_limit:
        path = _field(loaded, "deployments", item.name, "memory_use")
        yield problem(loaded, path, f"{item.name} uses more memory than its limit", "raise memory_limit")


def _room(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    """The platform must run before anything breaks."""
    from simulator.cluster.cluster import Cluster
    from simulator.cluster.objects import Footprint

    registered = registry()

    def footprint(model: str, version: int) -> Footprint:
        tags = registered.get(model, version).tags
        return Footprint(int(tags["host_memory_bytes"]), int(tags["gpu_memory_bytes"]), float(tags["load_s"]))

    versions = {model.name: registered.alias(model.name, "champion").version for model in spec.models}
    for item in spec.deployments:
        if item.model in versions and item.memory_limit < footprint(item.model, versions[item.model]).host_memory_bytes:
            need = footprint(item.model, versions[item.model]).host_memory_bytes / (1 << 30)
            path = _field(loaded, "deployments", item.name, "memory_limit")
            yield problem(
                loaded, path, f"{item.model} needs {need:.1f} Gi before anything breaks", "raise memory_limit"
            )
    first = {
        item.name: registered.aliases(item.model)[item.model_alias]
        for item in spec.deployments
        if item.model in versions and item.model_alias in registered.aliases(item.model)
    }
    try:
        Cluster(spec, first, footprint)
    except AssertionError as error:
        pod = str(error).rpartition(": ")[2]
        name = next((d.name for d in spec.deployments if pod.startswith(f"{d.name}-")), "")
        path = list(in_overlay(loaded, "deployments", name))
        path = ["overlay", "nodes"] if path == ["platform"] and "nodes" in loaded.scenario.overlay else path
        fix = "fewer replicas, smaller limits or more and larger nodes in its pool"
        yield problem(loaded, path, f"the nodes have no room for every pod of {name}", fix)


def _dashboards(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    names = names_of(loaded)
    things = {
        "route": names[ROUTE],
        "view": names[VIEW],
        "source": list(CONTRACTS),
        "gpu_node": [node.name for node in spec.nodes if node.gpu_memory],
    }
    for board in spec.dashboards:
        path = list(in_overlay(loaded, "dashboards", board.name))
        for panel in board.rows({kind: list(found) for kind, found in things.items()}):
            for fault in query_faults(panel.query, names, alert=False):
                what = f'dashboard {board.name}, panel "{panel.title}", column {fault.column}: {fault.what}'
                yield problem(loaded, path, what, fault.fix)


def _alerts(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    from reference_platform.monitoring.alerts import ALERT_NAME

    own = {rule.name for rule in burn_rate_rules([model.name for model in spec.models], 0.99)}
    components = {
        *ALWAYS,
        *(item.component for item in spec.deployments),
        *(item.name for item in spec.deployments),
    }
    components |= {node.name for node in spec.nodes} | {model.name for model in spec.models}
    names = names_of(loaded)
    for item in spec.alerts:
        path = list(in_overlay(loaded, "alerts", item.name))
        if not ALERT_NAME.fullmatch(item.name):
            fix = "use letters, digits, _ and -, such as GatewayErrors"
            yield problem(loaded, [*path, "name"], f'"{item.name}" is no name of an alert', fix)
        if item.name in own:
            yield problem(
                loaded, [*path, "name"], f"{item.name} is an alert that every platform has", "choose another name"
            )
        if item.component not in components:
            fix = nearest(item.component, components)
            yield problem(loaded, [*path, "component"], f'no component "{item.component}"', fix)
        if path[:1] == ["overlay"] and item.runbook and item.runbook not in loaded.scenario.runbooks:
            fix = f"{nearest(item.runbook, loaded.scenario.runbooks)}   or add it under runbooks"
            yield problem(loaded, [*path, "runbook"], f'no runbook "{item.runbook}"', fix)
        for fault in query_faults(item.expr, names, alert=True):
            yield problem_within(loaded, [*path, "expr"], item.expr, fault.column, fault.what, fault.fix)


def _numbers(loaded: LoadedScenario, spec: PlatformSpec) -> Iterator[ContentError]:
    store, slo, scrape = spec.online_store, spec.slo, spec.scrape
    if store.serving_connections > store.connections_max:
        what = f"serving_connections {store.serving_connections} is more than connections_max {store.connections_max}"
        yield problem(loaded, ["overlay", "online_store", "serving_connections"], what, "lower it")
    if not 0.0 < slo.availability < 1.0:
        yield problem(
            loaded, ["overlay", "slo", "availability"], "availability: between 0 and 1, both left out", "0.995"
        )
    for name, value_s, low_s, high_s in (("active", scrape.active, 1.0, 600.0), ("quiet", scrape.quiet, 1.0, 3600.0)):
        if not low_s <= value_s <= high_s:
            what = f"scrape.{name}: {value_s:g} s is beyond reason; {low_s:g} s to {high_s:g} s"
            yield problem(loaded, ["overlay", "scrape", name], what, "15s while active and 60s while quiet are usual")


def _field(loaded: LoadedScenario, kind: str, name: str, field: str) -> list[str | int]:
    return list(in_overlay(loaded, kind, name, field))

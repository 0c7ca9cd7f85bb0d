"""What an output is worth: which commands show something, which mechanisms it can show, and how much it counts."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from simulator.incident.record import Hypothesis, Output
from simulator.incident.tags import SIGHTS, TAGS, Tag
from simulator.incident.vocabulary import MECHANISMS
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.evidence import HALF, NO_STATE, SHOWN_BY, SHOWN_IN, can_show, queried, sights, weigh
from simulator.shell.library import load_commands
from simulator.shell.registry import ALIASES, COMMANDS, Command, carry_out
from simulator.shell.tools.incident.hypotheses import OWN_MODULES
from tests.contract.examples import EXAMPLES

load_commands()
NO_OBSERVATION = ("about", "elsewhere")
"""Modules whose commands explain themselves and show nothing of the platform."""
OF_QUERIES = ("metrics", "compare")


def output(line: str, *subjects: str, looked: tuple[Tag, ...] = ()) -> Output:
    return Output(7, 60.0, line, "text", 0, 1.0, subjects, looked)


def operator(*rules: Any, fired: tuple[str, ...] = ()) -> Any:
    """Somebody with these alert rules, and nodes of which one has GPUs."""
    nodes = [SimpleNamespace(name="gpu-1", gpu_memory=80), SimpleNamespace(name="cpu-1", gpu_memory=0)]
    alerts = SimpleNamespace(
        rules=lambda: list(rules), alerts=lambda: [SimpleNamespace(name=name, alert_id=1) for name in fired]
    )
    models = [SimpleNamespace(name=name) for name in ("recommendation", "search-ranking", "fraud-detection")]
    cluster = SimpleNamespace(deployments={}, ready_pods=lambda name: [], component_of=lambda name: name)
    spec = SimpleNamespace(nodes=nodes, models=models)
    return SimpleNamespace(alerts=alerts, plant=SimpleNamespace(spec=spec, cluster=cluster))


def rule(name: str, expr: str, component: str = "gateway") -> Any:
    return SimpleNamespace(name=name, expr=expr, component=component)


def _module(command: Command) -> str:
    return command.handler.__module__.rpartition(".")[2]


READS = [
    words
    for words, command in sorted(COMMANDS.items())
    if not command.changes and _module(command) not in (*OWN_MODULES, *NO_OBSERVATION)
]


def test_every_mechanism_says_what_can_show_it() -> None:
    assert set(SHOWN_BY) == set(MECHANISMS)
    assert all(SHOWN_BY.values())


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_every_command_that_reads_shows_something(words: tuple[str, ...]) -> None:
    """Typed as in the examples, whatever comes behind its words."""
    for line in EXAMPLES[" ".join(words)]:
        assert sights(output(line)), line


def test_every_kind_that_can_show_something_can_be_seen() -> None:
    seen = {command.sight for command in COMMANDS.values()} - {None}
    assert {*seen, "history"} == set(SIGHTS)
    for mechanism, kinds in SHOWN_BY.items():
        assert set(kinds) <= {*seen, "history"}, mechanism
    assert seen >= NO_STATE
    assert set(SHOWN_IN) <= set(SHOWN_BY)


def test_every_kind_in_the_log_is_declared_by_some_command_other_than_those_that_repeat() -> None:
    declared = {tag for words, command in COMMANDS.items() if words != ("cat",) for tag in command.looked}
    assert declared == set(TAGS)
    assert COMMANDS["cat",].looked == TAGS


@pytest.mark.parametrize(("looked", "shown"), [(DECLARED, ("pods", "logs")), (("logs",), ("logs",)), ((), ())])
def test_a_command_shows_what_it_declares_or_some_of_it(looked: tuple[Tag, ...] | None, shown: tuple[Tag, ...]) -> None:
    command = replace(COMMANDS["clock",], handler=lambda op, args: Effect("", looked=looked), looked=("pods", "logs"))
    assert carry_out(command, cast("Operator", None), Namespace()).seen == shown


def test_a_command_that_shows_what_it_has_not_declared_is_a_mistake_of_ours() -> None:
    command = replace(
        COMMANDS["clock",], handler=lambda op, args: Effect("", looked=("pods", "logs")), looked=("logs",)
    )
    with pytest.raises(AssertionError, match=r"clock shows \['pods'\], which it has not declared"):
        carry_out(command, cast("Operator", None), Namespace())


def test_what_the_handler_leaves_to_the_declaration_cannot_be_read_before() -> None:
    with pytest.raises(AssertionError, match="fills in"):
        _ = Effect("", looked=DECLARED).seen


@pytest.mark.parametrize(
    ("seen", "mechanism", "can"),
    [
        ({"pods"}, "crash_loop", True),
        ({"gpu"}, "crash_loop", False),
        ({"metric:kube_pod_info"}, "crash_loop", True),
        ({"metric:up"}, "crash_loop", False),
        ({"metric:up"}, "bad_deploy", True),
        ({"metric:up"}, "seasonal_dip", False),
        ({"metric:up", "history"}, "seasonal_dip", True),
        ({"metricless"}, "bad_deploy", False),
        (set(), "bad_deploy", False),
    ],
)
def test_a_sight_or_the_beginning_of_a_metric_s_name_can_show_a_mechanism(
    seen: set[str], mechanism: str, can: bool
) -> None:
    assert can_show(frozenset(seen), mechanism) is can


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("kubectl get pods", {"pods"}),
        ("kubectl get pods -l app=gateway | grep 0/1", {"pods"}),
        ("kubectl get nodes", {"nodes"}),
        ("kubectl get jobs", {"changes"}),
        ("kubectl get events", {"events"}),
        ("kubectl describe pod gateway", {"describe"}),
        ("kubectl rollout history deployment/gateway", {"changes"}),
        ("kubectl rollout undo deployment/gateway", set()),
        ("store info", {"connections"}),
        ("store config get maxclients", {"settings"}),
        ("store config set maxclients 10", set()),
        ("features status", {"jobs"}),
        ("features show customer_activity 7", {"values"}),
        ("features sources", {"ingest"}),
        ("alerts", {"alerts"}),
        ("alerts rules", {"rules"}),
        ("no such command", set()),
        ("kubectl get 'pods", set()),
        ("note hello", set()),
        ("metrics up", {"metric:up"}),
        ("metrics sum(rate(a_total[5m])) / sum(b)", {"metric:a_total", "metric:b"}),
        ("metrics sum(up) --from 1h", {"metric:up"}),
        ("metrics 'sum(up)'", {"metric:up"}),
        ("metrics sum(up", {"metric:shop_responses_total"}),
        ("alerts test up == 0 --for 1m", {"metric:up"}),
        ("compare sum(up) --offset 7d", {"metric:up"}),
        ("compare fraud-detection", {"metric:shop_responses_total"}),
    ],
)
def test_a_line_shows_what_its_longest_known_words_say(line: str, kinds: set[str]) -> None:
    assert sights(output(line)) == kinds


def test_an_alias_shows_what_its_command_does() -> None:
    for alias, words in ALIASES.items():
        if words in READS and COMMANDS[words].rest == "words" and words[0] not in OF_QUERIES:
            assert sights(output(" ".join(alias))) == sights(output(" ".join(words))), alias


def test_a_query_that_looked_back_shows_history_too_and_nothing_else_does() -> None:
    assert sights(output("compare up", looked=("metrics", "history"))) == {"metric:up", "history"}
    assert sights(output("metrics up", looked=("metrics",))) == {"metric:up"}
    assert sights(output("kubectl get pods", looked=("pods", "history"))) == {"pods"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("up", ["up"]),
        ("a / b", ["a", "b"]),
        ("up --by route", ["up"]),
        ("", []),
        ("   ", []),
        ("sum(", []),
        ("fraud-detection", []),
        ("traffic", []),
        ("up - up", ["up", "up"]),
    ],
)
def test_queries_are_read_for_what_they_select(query: str, names: list[str]) -> None:
    assert [item.name for item in queried(query)] == names


def suspect(component: str, mechanism: str) -> Hypothesis:
    return Hypothesis(1, component, mechanism, "")


@pytest.mark.parametrize(
    ("component", "mechanism", "line", "direction", "strength"),
    [
        ("online-store", "connection_exhaustion", "store info", "for", 1.0),
        ("online-store", "connection_exhaustion", "store config get maxclients", "for", 0.0),
        ("online-store", "connection_exhaustion", "store config get maxclients", "against", 1.0),
        ("online-store", "connection_exhaustion", "metrics online_store_connections_in_use", "for", 1.0),
        ("online-store", "connection_exhaustion", "metrics online_store_keys", "for", 0.0),
        ("online-store", "connection_exhaustion", "metrics online_store_keys", "against", 1.0),
        ("online-store", "connection_exhaustion", "alerts", "for", 0.0),
        ("online-store", "connection_exhaustion", "alerts", "against", 0.0),
        ("online-store", "config_error", "alerts rules", "for", 1.0),
        ("online-store", "slow_dependency", "alerts rules", "against", 0.0),
        ("online-store", "bad_deploy", "deploys", "for", HALF),
        ("online-store", "bad_deploy", "deploys", "against", 1.0),
        ("online-store", "bad_deploy", "kubectl rollout history deployment/online-store", "for", HALF),
        ("online-store", "bad_deploy", "kubectl describe pod online-store", "for", 1.0),
        ("online-store", "bad_deploy", "metrics up", "for", 1.0),
        ("online-store", "config_error", "deploys", "for", 1.0),
        ("online-store", "memory_exceeded", "deploys", "for", 0.0),
        ("online-store", "a_word_of_this_drill", "deploys", "for", 1.0),
        ("online-store", "connection_exhaustion", "no command", "for", 0.0),
        ("online-store", "connection_exhaustion", "no command", "against", 0.0),
    ],
)
def test_an_output_must_suit_the_mechanism(
    component: str, mechanism: str, line: str, direction: Any, strength: float
) -> None:
    found = weigh(operator(), suspect(component, mechanism), output(line, component), direction)
    assert (found.concerns, found.strength, found.relevant) == (True, strength, strength > 0.0)
    assert (found.because == "") == (strength == 1.0)


@pytest.mark.parametrize("direction", ["for", "against"])
def test_an_output_about_something_else_is_worth_nothing(direction: Any) -> None:
    cause = suspect("online-store", "connection_exhaustion")
    found = weigh(operator(), cause, output("store info", "gateway"), direction)
    assert (found.concerns, found.strength, found.relevant) == (False, 0.0, False)
    assert found.because == "it shows nothing about online-store: it is about gateway"
    assert "no component in particular" in weigh(operator(), cause, output("store info"), direction).because


def test_the_pool_is_its_nodes_and_an_alert_is_what_it_watches() -> None:
    pool = suspect("gpu-pool", "gpu_failure")
    assert weigh(operator(), pool, output("nvidia-smi", "gpu-1"), "for").strength == 1.0
    assert not weigh(operator(), pool, output("nvidia-smi", "cpu-1"), "for").concerns
    alert = suspect("alerting", "config_error")
    watching = operator(rule("x", "up == 0", "gateway"))
    assert weigh(watching, alert, output("alerts rules", "gateway"), "for").strength == 1.0
    assert not weigh(operator(), alert, output("alerts rules", "gateway"), "for").concerns


@pytest.mark.parametrize(
    ("query", "routes", "strength"),
    [
        ("sum(rate(shop_responses_total{route='fraud-detection'}[10m]))", ("fraud-detection",), 1.0),
        ("sum(rate(shop_responses_total{route='recommendation'}[10m]))", ("recommendation",), 0.0),
        ("sum(rate(shop_responses_total{route=~'fraud.*'}[10m]))", (), 1.0),
        ("sum(rate(shop_responses_total{route=~'search.*'}[10m]))", (), 0.0),
        ("sum(rate(shop_responses_total{route!='fraud-detection'}[10m]))", (), 0.0),
        ("sum(rate(shop_responses_total{route!='recommendation'}[10m]))", (), 1.0),
        ("sum by (route) (rate(shop_responses_total[10m]))", ("recommendation", "fraud-detection"), 1.0),
        ("sum by (route) (rate(shop_responses_total[10m]))", ("recommendation", "search-ranking"), 0.0),
        ("sum(rate(shop_responses_total[10m]))", (), 1.0),
        ("fraud-detection", ("fraud-detection",), 1.0),
        ("search-ranking", ("search-ranking",), 0.0),
        ("traffic", (), 1.0),
    ],
)
def test_a_dip_is_shown_by_the_history_of_what_the_alert_is_about(
    query: str, routes: tuple[str, ...], strength: float
) -> None:
    low = rule("PaymentsTooLow", "sum(rate(shop_responses_total{route='fraud-detection'}[10m])) < 5")
    back = output(f"compare {query} --offset 7d", "traffic", *routes, looked=("metrics", "history"))
    dip = suspect("traffic", "seasonal_dip")
    assert weigh(operator(low, fired=("PaymentsTooLow",)), dip, back, "for").strength == strength
    assert weigh(operator(low), dip, back, "for").strength == 1.0
    assert weigh(operator(rule("Any", "up == 0"), fired=("Any",)), dip, back, "for").strength == 1.0
    now = output(f"metrics {query}", "traffic", looked=("metrics",))
    assert weigh(operator(), dip, now, "for").strength == 0.0

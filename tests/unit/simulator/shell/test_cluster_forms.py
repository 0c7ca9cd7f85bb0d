"""Every form that reads or changes the cluster: declared well, and safe whatever is typed behind it."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.shell.components import components
from simulator.shell.library import load_commands
from simulator.shell.registry import COMMANDS, Command
from tests.unit.simulator.shell.desk import LEAK, Desk

MODULES = (
    "deploys",
    "gpu",
)
TAGS = {
    *("pods", "logs", "logs_previous", "nodes", "gpu", "metrics", "upstream", "changes", "events", "jobs", "rollout"),
}

load_commands()
FORMS = [
    form
    for form in COMMANDS.values()
    if form.handler.__module__.rpartition(".")[2] in MODULES or ".tools.kubectl." in form.handler.__module__
]
NAMES = [
    *("recommendation", "deployment/recommendation", "deploy/x", "gateway", "online-store-0", "gpu-1", "node/gpu-1"),
    *("pods", "po,svc", "job", "loyalty-export", "job/loyalty-export", "pod/", "/", "a/b/c", "deployment", "secrets"),
    *("-n", "shop", "kube-system", "-A", "-o", "wide", "yaml", "json", "-l", "app=gateway", "app in (a", "app!=x"),
    *("--tail", "--since", "5m", "-1", "0", "99999999999999999999", "3.5", "NaN", "-p", "-f", "--previous", "--all"),
    *("--replicas", "--replicas=-1", "--replicas=0", "--limits=memory=14Gi", "--limits=memory=", "--limits=cpu=1"),
    *("--limits=memory=9e9Gi", "MODEL_VERSION=3", "MODEL_VERSION=é", "=", "MODEL_URI=models:/x/1", "--to-revision=1"),
    *('\'{"spec":{"replicas":0}}\'', "'{}'", "'[[[['", '\'{"spec":{"suspend":1}}\'', f"'{'[' * 900}'", "null"),
    *("--sort-by=.x.restartCount", "--field-selector=type=Warning", "--field-selector", "status.phase!=Running"),
    *(
        "--query-gpu=name",
        "--format=xml",
        "-i",
        "-L",
        "-q",
        "--ignore-daemonsets",
        "--force",
        "--",
        "--help",
        "|",
        "%s",
    ),
]
WORDS = st.one_of(
    st.text(max_size=20), st.sampled_from([*NAMES, "x" * 1000, "{" * 500, "'", '"', "\u202e\u6f22", "\x00"])
)


@cache
def desk() -> Desk:
    """One desk for all the fuzzing; nothing that is typed may break it for the next line."""
    return Desk(LEAK, 1_500.0)


def test_there_are_at_least_28_forms() -> None:
    assert len(FORMS) >= 28


@pytest.mark.parametrize("form", FORMS, ids=lambda form: " ".join(form.words))
def test_a_form_says_what_it_does_and_how_it_is_typed(form: Command) -> None:
    assert form.usage.startswith(" ".join(form.words))
    assert form.summary.endswith(".")
    assert len(form.summary) <= 100
    assert 0.0 <= form.takes_s <= 30.0


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMS), st.lists(WORDS, max_size=5))
def test_whatever_is_typed_is_answered(form: Command, words: list[str]) -> None:
    """An output or a refusal with advice; a refusal changes nothing; a read never changes anything."""
    line = " ".join((*form.words, *words))
    changes = len(desk().events("changed"))
    ran = desk().type(line)
    assert isinstance(ran.text, str)
    assert set(ran.looked) <= TAGS
    assert set(ran.subjects) <= set(components(desk().op))
    changed = len(desk().events("changed")) > changes
    assert not (changed and not ran.changes)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=6))
def test_whatever_follows_kubectl_is_answered(words: list[str]) -> None:
    assert isinstance(desk().type(" ".join(("kubectl", *words))).text, str)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([form for form in FORMS if form.changes]), st.lists(WORDS, max_size=4))
def test_a_refused_change_leaves_the_platform_as_it_was(form: Command, words: list[str]) -> None:
    before = _state(desk())
    ran = desk().type(" ".join((*form.words, *words)))
    if ran.exit:
        assert _state(desk()) == before


def _state(desk: Desk) -> object:
    cluster = desk.op.plant.cluster
    return (
        [(name, item.replicas, item.deleted, len(item.history)) for name, item in cluster.deployments.items()],
        [(pod.name, pod.phase) for pod in cluster.pods.values()],
        [(name, node.cordoned) for name, node in cluster.nodes.items()],
    )


READS = [" ".join(form.words) for form in FORMS if not form.changes]


@pytest.mark.parametrize("line", READS)
def test_a_read_without_arguments_answers_or_says_what_is_missing(line: str) -> None:
    assert desk().type(line).text

"""Every form that this half of the shell adds: declared well, and safe whatever is typed behind it."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.incident.vocabulary import MECHANISMS
from simulator.shell.components import components
from simulator.shell.library import load_commands
from simulator.shell.line import split_pipes
from simulator.shell.registry import ALIASES, COMMANDS, Command, find
from tests.unit.simulator.shell.desk import LEAK, Desk

MODULES = (
    "alerting",
    "chat",
    "features",
    "hypotheses",
    "incident",
    "logs",
    "metrics",
    "mlflow",
    "names",
    "net",
    "people",
    "postmortem",
    "store",
)
TAGS = {
    "pods", "logs", "logs_previous", "nodes", "gpu", "metrics", "upstream", "fallback", "changes", "registry",
    "features", "dns", "events", "runbook", "alerts", "dashboard", "history", "jobs",
    "rollout",
}  # fmt: skip

load_commands()
FORMS = [form for form in COMMANDS.values() if form.handler.__module__.rpartition(".")[2] in (*MODULES, "help")]


@cache
def desk() -> Desk:
    """One desk for all the fuzzing; nothing that is typed may break it for the next line."""
    return Desk(LEAK, 1_500.0)


@pytest.fixture
def fresh() -> Desk:
    return Desk(LEAK, 1_500.0)


def test_there_are_at_least_35_forms() -> None:
    assert len(FORMS) >= 35


@pytest.mark.parametrize("form", FORMS, ids=lambda form: " ".join(form.words))
def test_a_form_says_what_it_does_and_how_it_is_typed(form: Command) -> None:
    assert form.usage.startswith(" ".join(form.words))
    assert form.summary.endswith((".", "?"))
    assert len(form.summary) <= 100
    assert 0.0 <= form.takes_s <= 30.0


def test_every_alias_leads_to_its_form_and_hides_no_other() -> None:
    for alias, key in ALIASES.items():
        assert alias not in COMMANDS
        assert find(list(alias))[0].words == key


NAMES = """
recommendation fraud-detection online-store customer_activity loyalty-export gateway gpu-1 last 1 2 -1 3.5 NaN
99999999999999999999 --backfill 72h --for 10m --range --since --tail --grep --entity -d --help because v3 @champion
champion maxclients 400 online-store:connection_exhaustion rate(shop_responses_total[5m]) up{ >1 impact=x SEV1 Lee
cause=gateway:bad_deploy prevention=y http://gateway/v1/recommendation http://fallback/v1/x (a+)+$ all | |head |foo
"""
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([*NAMES.split(), "x" * 1000, '{"customer": 3}', "'", '"', "\u202e\u6f22", "\x00"]),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    assert not (changed and (ran.exit or not form.changes) and "--help" not in line)


@pytest.mark.parametrize(
    "line",
    [" ".join(form.words) for form in FORMS if not form.changes],
)
def test_a_form_without_arguments_works_or_says_what_is_missing(line: str) -> None:
    ran = desk().type(line)
    assert ran.text.strip()
    if ran.exit:
        assert "\n" in ran.text, f"{line}: no advice in {ran.text!r}"


def test_help_shows_every_form(fresh: Desk) -> None:
    listed = fresh.type("commands").text
    for form in COMMANDS.values():
        assert form.usage in listed
        assert form.usage in fresh.type("help " + " ".join(form.words)).text
    overview = fresh.type("help").text
    assert all(key[0] in overview for key in COMMANDS)


def test_help_knows_aliases_and_single_words(fresh: Desk) -> None:
    assert "store monitor" in fresh.type("help redis-cli keys").text
    assert "hyp confirm" in fresh.type("help hyp").text
    assert fresh.type("store info --help").text == fresh.type("help store info").text
    assert fresh.type("help nonsense").exit == 1


def test_words_of_a_hypothesis_are_listed(fresh: Desk) -> None:
    assert all(name in fresh.type("mechanisms").text for name in MECHANISMS)
    assert all(name in fresh.type("components").text for name in components(fresh.op))


def test_a_shown_line_is_never_the_name_of_a_fault(fresh: Desk) -> None:
    """Reads give away nothing that only the log of truths knows."""
    for form in FORMS:
        if not form.changes and form.words[0] not in ("mechanisms", "hint", "hyp", "commands", "help", "evidence"):
            text = fresh.type(" ".join(form.words)).text
            assert "connection_leak" not in text
            assert "truth" not in text
            assert split_pipes(" ".join(form.words))

"""Alerts at the prompt: acknowledge, silence, and rules of one's own."""

from __future__ import annotations

import pytest

from reference_platform.monitoring.alerts import AlertRule
from tests.unit.simulator.shell.desk import LEAK, STALE, Desk

NAME = "Busy"


@pytest.fixture
def quiet() -> Desk:
    return Desk(LEAK, 900.0)


@pytest.fixture
def paged() -> Desk:
    """A rule that is always true has just paged, once for each route."""
    desk = Desk(LEAK, 600.0)
    rule = AlertRule(NAME, 'gateway_requests_total{code="200"} >= 0', 0.0, "P1", "gateway", "{{route}} busy", "")
    desk.op.alerts.add_rule(rule)
    desk.wait(60.0)
    return desk


def test_ack_takes_every_firing_alert_once(paged: Desk) -> None:
    firing = sorted(status.alert_id or 0 for status in paged.op.alerts.alerts() if status.state == "firing")
    assert firing
    assert paged.type("ack").exit == 0
    assert paged.events("page.acked") == [{"alert_ids": firing, "by": "you"}]
    assert all(paged.op.pager.acked_by(number) == "you" for number in firing)
    assert "already" in paged.type("ack").text
    assert len(paged.events("page.acked")) == 1
    assert "ACKED" in paged.type("alerts").text


def test_ack_takes_ids_and_names(paged: Desk) -> None:
    assert paged.type("ack #2,3").exit == 0
    assert paged.events("page.acked")[0]["alert_ids"] == [2, 3]
    assert paged.type("ack 77").exit == 1
    assert paged.type("ack nonsense").exit == 1
    assert paged.type("ack \u0663").exit == 1
    assert paged.type("silence \u0663").exit == 1
    assert paged.type("ack Busy").exit == 0


@pytest.mark.parametrize("line", ["ack", "ack 1", "ack all"])
def test_ack_says_so_when_nobody_was_ever_paged(quiet: Desk, line: str) -> None:
    ran = quiet.type(line)
    assert (ran.exit, ran.text) == (0, "nobody was paged: nothing to acknowledge")
    assert quiet.events("page.acked") == []


def test_ack_says_so_when_nothing_fires_any_more(quiet: Desk) -> None:
    quiet.op.alerts.add_rule(AlertRule(NAME, "gateway_requests_total >= 0", 0.0, "P1", "gateway", "busy", ""))
    quiet.wait(60.0)
    quiet.op.alerts.remove_rule(NAME, quiet.op.now_s)
    ran = quiet.type("ack")
    assert (ran.exit, ran.text) == (0, "nothing is firing; nothing to acknowledge")
    assert quiet.events("page.acked") == []


def test_a_silence_before_anything_fires_hides_nothing_yet(quiet: Desk) -> None:
    name = quiet.op.alerts.rules()[0].name
    quiet.type(f"silence {name}")
    assert quiet.events("alert.silenced") == [{"name": name, "for_s": 3600.0, "alert_ids": []}]


def test_the_alert_list_names_what_is_hit(paged: Desk) -> None:
    ran = paged.type("alerts")
    assert ran.looked == ("alerts",)
    assert {"gateway", "recommendation"} <= set(ran.subjects)


def test_silence_quiets_one_alert_for_a_while(paged: Desk) -> None:
    assert paged.type("silence Busy --for 2h").exit == 0
    assert paged.events("alert.silenced") == [{"name": NAME, "for_s": 7200.0, "alert_ids": [1, 2, 3]}]
    assert "SILENCED" in paged.type("alerts").text
    assert paged.type("silence Busi --for 2h").text.endswith('did you mean "Busy"?')
    assert paged.type("silence Busy --for never").exit == 1
    assert len(paged.events("alert.silenced")) == 1


def test_an_added_rule_is_evaluated_and_can_be_removed(quiet: Desk) -> None:
    expr = 'online_store_connections_in_use{client=~"a|loyalty-export"} >= 0'
    line = f"alerts add StoreBusy '{expr}' --for 1m --severity P2"
    assert quiet.type(line).exit == 0
    added = quiet.events("alert.rule_added")[0]
    assert added["name"] == "StoreBusy"
    assert added["expr"] == expr
    assert (added["for_s"], added["component"]) == (60.0, "online-store")
    assert quiet.op.incident.rules_added == ["StoreBusy"]
    assert "yours" in quiet.type("alerts rules").text
    quiet.wait(900.0)
    assert any(item["name"] == "StoreBusy" for item in quiet.events("alert.fired"))
    assert quiet.type("alerts remove StoreBusy").exit == 0
    assert any(item["name"] == "StoreBusy" for item in quiet.events("alert.resolved"))
    assert quiet.op.incident.rules_added == []


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "Name",
        "Name rate(x[5m",
        "9bad up > 1",
        "SiteOnDefaults up > 1",
        "Name up > 1 --for soon",
        "Name up > 1 --severity P9",
        "Name up > 1 --component nowhere",
        "Name up > 1 --colour red",
        "Name 1 + 1",
    ],
)
def test_a_bad_rule_is_refused_and_leaves_nothing(quiet: Desk, rest: str) -> None:
    before = len(quiet.op.alerts.rules())
    assert quiet.type(f"alerts add {rest}").exit == 1
    assert len(quiet.op.alerts.rules()) == before
    assert quiet.events("alert.rule_added") == []
    assert quiet.op.incident.rules_added == []


def test_the_platforms_rules_stay(quiet: Desk) -> None:
    assert "belongs to the platform" in quiet.type("alerts remove SiteOnDefaults").text


def test_an_expression_can_be_tried_before_it_pages_anybody() -> None:
    desk = Desk(STALE, 8 * 3_600.0)
    ran = desk.type('alerts test feature_age_seconds{view="customer_activity"} > 1800 --for 10m')
    assert ran.text.startswith("would fire now")
    assert "materializer" in ran.subjects
    assert desk.type("alerts test feature_age_seconds > 1e9").text.startswith("would not fire now")
    assert desk.type("alerts test feature_age_seconds").exit == 1


def test_ack_of_what_never_paged_claims_no_escalation(quiet: Desk) -> None:
    quiet.op.alerts.add_rule(
        AlertRule("Slow", 'gateway_requests_total{code="200"} >= 0', 0.0, "P3", "gateway", "a ticket", "")
    )
    quiet.wait(60.0)
    text = quiet.type("ack").text
    assert "Slow: a P3 is a ticket and has paged nobody" in text
    assert text.splitlines()[-1] == "nobody was paged, so nothing escalates"


def test_ack_of_a_page_and_a_ticket_tells_them_apart(paged: Desk) -> None:
    paged.op.alerts.add_rule(
        AlertRule("Slow", 'gateway_requests_total{code="200"} >= 0', 0.0, "P3", "gateway", "a ticket", "")
    )
    paged.wait(60.0)
    lines = paged.type("ack").text.splitlines()
    assert [line for line in lines if "ticket" in line] == [line for line in lines if "Slow" in line] != []
    assert [line for line in lines if NAME in line and "ticket" in line] == []
    assert lines[-1] == "the escalation has stopped; the incident is yours"

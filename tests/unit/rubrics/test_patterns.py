from __future__ import annotations

import pytest

from reference_platform.documents import load_document
from rubrics.facts import Facts
from rubrics.patterns import Match, match
from rubrics.schema import Pattern
from simulator.engine.events import EventLog


def facts() -> Facts:
    log = EventLog()
    log.append(0, "session", "session.started", {})
    log.append(10, "shell", "command", {"line": "early", "looked": ["pods"]})
    log.append(100, "session", "session.joined", {"reason": "page", "drill_s": 600})
    log.append(
        110, "shell", "command", {"line": "kubectl get pods", "looked": ["pods", "events"], "exit": 0, "fresh": True}
    )
    log.append(120, "shell", "changed", {"action": "restart", "component": "gateway"})
    log.append(130, "shell", "command", {"line": "features status", "looked": ["features"], "exit": 0})
    log.append(400, "shell", "status.sent", {"impact": "all of it", "next_s": 600.0})
    return Facts(log)


def judge(text: str) -> Match:
    return match(load_document(text, Pattern, "pattern"), facts())


@pytest.mark.parametrize(
    ("text", "held", "evidence"),
    [
        ("event: command", True, (4,)),
        ("{event: command, where: {looked: features}}", True, (6,)),
        ("{event: command, where: {looked: [dns, events]}}", True, (4,)),
        ("{event: command, where: {exit: 0}, at_least: 2}", True, (4, 6)),
        ("{event: command, at_least: 3}", False, (4, 6)),
        ("{event: command, where: {looked: {count_min: 2}}}", True, (4,)),
        ("{event: command, where: {looked: features}, before: {event: changed}}", False, (5, 6)),
        ("{event: command, where: {looked: dns}, before: {event: changed}}", False, (3, 5)),
        ("{event: command, before: {event: drained}}", True, (4,)),
        ("{event: command, after: {event: changed}}", True, (6,)),
        ("{event: command, after: {event: changed}, within: 5s}", False, (4,)),
        ("{event: changed, without: {event: command}}", False, (4, 5)),
        ("{event: command, without: {event: command}}", True, (4,)),
        ("{event: command, after: {event: command}}", True, (6,)),
        ("any: [{event: changed}, {event: status.sent}]", True, (5,)),
        ("{event: changed, without: {event: command, where: {looked: dns}}}", True, (5,)),
        ("{event: status.sent, within: 4m}", False, (7,)),
        ("{event: status.sent, within: 5m, where: {impact: {words_min: 3}, next_s: {min: 1, max: 600}}}", True, (7,)),
        ("{event: status.sent, where: {impact: {words_min: 4}}}", False, (3,)),
        ("never: {event: changed}", False, (5,)),
        ("never: {event: drained}", True, (3,)),
        ("all: [{event: changed}, {event: status.sent}]", True, (5, 7)),
        ("all: [{event: changed}, {event: drained}]", False, (3,)),
        ("any: [{event: drained}, {event: status.sent}]", True, (7,)),
        ("sequence: [{event: command}, {event: changed}, {event: command}]", True, (4, 5, 6)),
        ("sequence: [{event: changed}, {event: changed}]", False, (5,)),
        ("{event: command, where: {exit: false}}", False, (3,)),
        ("{event: command, where: {fresh: true}}", True, (4,)),
        ("{event: command, where: {fresh: 1}}", False, (3,)),
        ("{event: command, where: {fresh: {min: 0}}}", False, (3,)),
        ("{event: command, where: {line: {count_min: 1}}}", False, (3,)),
        ("{event: command, where: {exit: {min: 0}}}", True, (4,)),
        ("{event: command, where: {exit: {min: 1}}}", False, (3,)),
        ("{event: command, where: {exit: {max: -1}}}", False, (3,)),
        ("{event: command, where: {line: {min: 0}}}", False, (3,)),
        ("{event: status.sent, where: {next_s: {min: 600.1}}}", False, (3,)),
        ("{event: status.sent, where: {next_s: {max: 599.9}}}", False, (3,)),
        ("{event: command, where: {looked: {words_min: 1}}}", False, (3,)),
        ("{event: status.sent, within: 300s}", True, (7,)),
        ("{event: status.sent, within: 299s}", False, (7,)),
        ("{event: command, before: {event: changed}, at_least: 2}", False, (4,)),
        ("{event: changed, after: {event: status.sent}}", False, (5,)),
        ("{event: changed, after: {event: drained}}", False, (5,)),
        ("{event: changed, before: {event: command}}", False, (4, 5)),
        ("any: [{event: drained}, {event: command, where: {looked: dns}, before: {event: changed}}]", False, (3, 5)),
        ("all: [{event: drained}, {event: flown}]", False, (3,)),
        ("sequence: [{event: drained}, {event: changed}]", False, (3,)),
        ("{event: changed, after: {any: [{event: drained}, {event: command}]}}", True, (5,)),
        ("never: {event: command, where: {looked: dns}}", True, (3,)),
    ],
)
def test_a_pattern_cites_the_events_that_decide_it(text: str, held: bool, evidence: tuple[int, ...]) -> None:
    found = judge(text)
    assert (found.held, found.evidence) == (held, evidence)
    assert found.because


def test_nothing_comes_before_itself() -> None:
    assert not judge("{event: command, before: {event: command}}").held


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("event: command", "you ran `kubectl get pods` at T+00:10 [#4]"),
        ("{event: command, at_least: 2}", "you ran `kubectl get pods` at T+00:10 [#4], 2 times"),
        ("{event: command, at_least: 3}", "you ran `kubectl get pods` at T+00:10 [#4], but only 2 of 3 times"),
    ],
)
def test_the_reason_names_the_first_event_and_how_often(text: str, because: str) -> None:
    assert judge(text).because == because


def test_what_was_done_before_joining_does_not_count() -> None:
    assert not judge("{event: command, where: {line: early}}").held


def test_a_sequence_that_breaks_off_says_after_what() -> None:
    because = judge("sequence: [{event: command}, {event: changed}, {event: changed}]").because
    assert because == "what should follow you restarted gateway at T+00:20 [#5] did not"


def test_the_reason_names_both_events_when_the_order_was_wrong() -> None:
    because = judge("{event: command, where: {looked: features}, before: {event: changed}}").because
    assert because == "too late: you ran `features status` at T+00:30 [#6], after you restarted gateway at T+00:20 [#5]"

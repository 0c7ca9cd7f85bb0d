"""Prevention that somebody can do, told from intentions, refusals, stories and lists."""

from __future__ import annotations

import pytest

from rubrics.actions import acts, is_concrete
from rubrics.statements import vocabulary
from tests.unit.rubrics.book import DIP, LEAK, STALL, Book

WORDS_MIN = 8
CONCRETE = [
    "Release pipeline rejects any model whose memory need is above the pod's request",
    "Monitor connections by client and put a ceiling of thirty on each of them",
    "Lee closes the cursors in the export before it is scheduled again",
    "Model servers get a connection pool of their own, nobody else may draw on it",
    "Sam's team moves the export to the offline store by Friday",
    "Batch readers are no longer granted access to the online store",
    "Separate the serving cluster from the jobs that read the store at night",
    "Jobs holding more than fifty connections are throttled by the proxy",
    "The scheduler shows rows per second in place of RUNNING for each job",
    "Locks of the materializer now expire with the worker that took them",
    "We'll page on the age of feature values, owner: data platform",
    "Rename the field only behind a new topic; Priya adds this to the producer's checklist",
    "Ops reserves two GPU nodes for roll-outs in the evening peak",
    "New recommendation pods must be ready before old ones are taken away",
    "Replace the fixed floor for payments by last week's same hour",
    "I have added a rule on dead letters, and the build of clicks will refuse renamed fields",
    "Give the materializer lock a lease of ten minutes, Kim, next sprint",
    "The registry should reject versions that haven't been loaded once in a pod of production size",
    "Rate-limit retries at the gateway so a slow store isn't hit three times as hard",
    "Whoever writes a job against the store documents its connection use, signed off by us",
    "Data team owns an alarm for features older than one hour",
    "remove the default retry of the gateway (Ann), cap store clients at 20 (Bo)",
    "Exports write to a replica, and the primary store drops clients idle for five minutes",
    "Deployments freeze between six and nine in the evening for all model servers",
    "Automate the memory comparison of each model version with its pod size",
]
EMPTY = [
    "We will all be more careful with the online store and its connections",
    "Everybody should pay more attention to the online store when they deploy",
    "Hopefully the export will not take all the connections of the store again",
    "I hope that the alert on connections comes sooner the next time",
    "Nothing needs to change, the limits of the online store are fine",
    "No action is needed since the gateway alert did what it should",
    "No prevention planned for the online store at this time, sorry about that",
    "It could not have been prevented by any test or limit of the store",
    "The team should do better and communicate better about the online store",
    "Lessons were learned by everybody who reads from the online store",
    "We must keep an eye on the connections of the online store",
    "The loyalty export held all connections and so all of the models timed out",
    "I stopped the export and the online store was well within two minutes",
    "We killed the job, restarted the gateway and everything was back to normal",
    "alert limit review test canary monitor online-store connections client pool",
    "connections store export alert page limit owner runbook gateway retries",
    "Add a rule that the kitchen fridge is emptied by Friday evening",
    "Move the team lunch to a larger room and give everyone a chair",
    "A review of how we water the plants in the office garden",
    "Cap store connections per client",
    "be vigilant about the gateway and its retries from now on, everybody",
    "People should remember what the export did to the store in that night",
    "It was a bad night for the gateway, the store and all of us",
    "Take care that the online store has connections when it is night",
    "",
]


@pytest.mark.parametrize("said", CONCRETE)
def test_an_action_on_a_thing_of_the_incident_is_concrete(said: str) -> None:
    assert any(is_concrete(said, vocabulary(Book(fault).facts).about, WORDS_MIN) for fault in (LEAK, STALL))


@pytest.mark.parametrize("said", EMPTY)
def test_intentions_refusals_stories_and_lists_are_not(said: str) -> None:
    assert not any(is_concrete(said, vocabulary(Book(fault).facts).about, WORDS_MIN) for fault in (LEAK, STALL))


def test_on_a_false_alarm_the_rhythm_is_a_thing_of_the_incident() -> None:
    said = "Lee takes that number out and compares the weekday with its own curve"
    for fault, concrete in ((DIP, True), (LEAK, False)):
        assert is_concrete(said, vocabulary(Book(fault).facts).about, WORDS_MIN) == concrete


def test_a_good_intention_beside_an_action_takes_nothing_from_it_and_adds_no_words() -> None:
    names = vocabulary(Book(LEAK).facts).about
    action = "Lee caps the connections of each store client."
    for words_min, concrete in ((8, True), (9, False)):
        assert is_concrete(f"We must be more careful. {action}", names, words_min) == concrete


def test_controls_and_changes_are_acts() -> None:
    assert acts("add an alert and review the limits")
    assert acts("Lee closes it")
    assert not acts("we stopped it, and it was late")

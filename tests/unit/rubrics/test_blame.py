"""A post-mortem whose prose contradicts the cause that it names."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.blame import BLAMED_MIN, blamed, never_done
from rubrics.learning import postmortem_cause
from tests.unit.rubrics.book import LEAK, STALL, Book

STORE = ("online-store", "connection_exhaustion")
RULE = measures.PostmortemCause(name="postmortem_cause", words_min=10)
TOLD = "The loyalty export held all connections of the online store, so that every model timed out until we stopped it."
HONEST = [
    "It was not DNS and not a network partition that caused this.",
    "We ruled out DNS and an expired certificate as the cause.",
    "At first we thought a network partition or DNS caused the timeouts.",
    "The cause wasn't the network failure we suspected, nor a certificate.",
    "Timeouts were caused by connection exhaustion in the online store.",
    "The export leaked connections; that led to 504s and a retry storm.",
    "The gateway alert might have been caused by a traffic spike or DDoS, so we checked both.",
    "We looked at DNS, at the certificate and at the network.",
    "DNS and TLS were healthy throughout.",
    "The network was fine. Memory was fine. The cause was the export.",
    "Sam assumed a bad release and a memory leak caused it.",
    "It looked as if the disk was full and the network failure caused it.",
    "The reason was out of connections, not out of memory.",
    "A bad release of the export caused it.",
    "The store broke because of the export rather than because of DNS or a certificate.",
    "Because of the alert on DNS I looked there.",
    "Next time a network outage or an expired certificate is the culprit we have a runbook.",
    "No hardware failure and no power cut caused this.",
    "Could DNS or a full disk have caused it? We saw nothing.",
    "Connection leak in the job, which is to blame for all of it.",
    "The export took down every model. DNS answered. The network partition drill of last week is unrelated.",
    "My wrong guess was that a certificate and DNS caused the 504s.",
    "Neither misconfiguration nor clock skew caused the outage.",
    "If a network partition or DNS causes the next one, we start from the same dashboard.",
    "A schema change caused nothing here, and time zone settings don't matter.",
]
CONTRADICTING = [
    "The outage was caused by a network partition and a DNS failure.",
    "DNS broke. An expired certificate brought down the rest, due to DNS.",
    "Root cause: TLS certificate expired; the cause of the second wave was a full disk.",
    "The reason was a memory leak, made worse by a power cut.",
    "Due to packet loss and clock skew the gateway timed out.",
    "A traffic surge caused the first errors. A bad deploy caused the others.",
    "A DDoS attack triggered it, a misconfigured balancer is to blame as well.",
    "DNS is the culprit. The network outage led to the rest.",
    "Because of a hardware fault and a disk failure the site was on defaults.",
    "The models ran out of memory, which caused the crash; a schema change caused the stale features.",
    "This is the result of a broken release and a network split.",
    "Owing to DNS and TLS trouble everything timed out.",
    "OOM kills caused it all, and the deadlock made it worse; the deadlock is to blame.",
    "A GPU failure took down fraud, a certificate took down search.",
    "Black Friday traffic caused it together with a faulty model.",
    "The outage was caused by name resolution and by a memory leak.",
    "A configuration error broke the gateway; a time zone mistake broke the export.",
    "Node failure caused the timeouts and a bad cable did the rest.",
    "network failure caused 504s; certificates caused retries",
    "The cause is DNS, made worse by a bad rollout of version 9.",
    "Attackers caused it, due to an expired certificate.",
    "A power outage and packet loss brought down the platform.",
    "An orphaned lock and a schema mismatch were the root cause.",
    "The load spike and the full disk are to blame.",
    "Buggy release, bad config: both are the cause.",
]


def share_of(text: str, *, acted: str = "loyalty-export", seen: str = "gateway") -> float:
    book = Book(LEAK)
    book.hurt(0)
    book.look(1, "pods", of=[seen])
    book.change(5, "stop_job", acted)
    book.postmortem(10, STORE, text=text)
    return postmortem_cause(book.facts, RULE).share


@pytest.mark.parametrize("said", HONEST)
def test_what_was_doubted_or_denied_is_not_blamed(said: str) -> None:
    book = Book(LEAK)
    assert len(blamed(book.facts, book.postmortem(10, STORE, text=said))) < BLAMED_MIN
    assert share_of(f"{TOLD} {said}") == 1.0


@pytest.mark.parametrize("said", CONTRADICTING)
def test_two_wrong_culprits_cost_like_wrong_causes(said: str) -> None:
    book = Book(LEAK)
    assert len(blamed(book.facts, book.postmortem(10, STORE, text=said))) >= BLAMED_MIN
    assert share_of(f"{TOLD} {said}") <= 0.3 + 1e-9


def test_each_costs_as_much_as_a_wrong_cause_from_the_second_on() -> None:
    for said, share in (
        ("DNS caused it.", 1.0),
        ("DNS and a certificate caused it.", 0.3),
        ("DNS, a certificate and a full disk caused it.", 0.0),
    ):
        assert share_of(f"{TOLD} {said}") == pytest.approx(share)


def test_what_is_true_of_another_incident_is_right_there() -> None:
    said = "A stalled job caused it, because of an orphaned lock."
    for fault, count in ((STALL, 0), (LEAK, 2)):
        book = Book(fault)
        assert len(blamed(book.facts, book.postmortem(10, summary=said))) == count


@pytest.mark.parametrize(
    ("said", "untrue"),
    [
        ("We restarted the gateway.", "gateway"),
        ("I then rolled back gateway and waited.", "gateway"),
        ("We have restarted gateway pods twice", "gateway"),
        ("We deleted the online store.", ""),
        ("We restarted the gateway-proxy of the office.", ""),
        ("We restarted the gateway dashboard.", ""),
        ("Lee restarted the gateway last week.", ""),
        ("We never restarted the gateway.", ""),
        ("Restarting the gateway did not help.", ""),
        ("We stopped the loyalty export.", ""),
        ("We could have restarted the gateway.", ""),
        ("We scaled down the search ranking deployment.", "search-ranking"),
    ],
)
def test_what_nobody_changed_was_not_changed(said: str, untrue: str) -> None:
    book = Book(LEAK)
    book.look(1, "pods", of=["gateway", "search-ranking"])
    assert never_done(book.facts, book.postmortem(10, STORE, text=said)) == untrue


def test_an_untrue_action_costs_the_post_mortem_and_a_true_or_refused_one_nothing() -> None:
    said = f"{TOLD} We restarted the gateway."
    assert share_of(said) == 0.0
    assert share_of(said, acted="gateway") == 1.0
    book = Book(LEAK)
    book.refused(5, "gateway")
    assert never_done(book.facts, book.postmortem(10, STORE, text=said)) == ""

"""A list of keywords is told from a terse sentence."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.people import final_status, first_update
from rubrics.words import LIST_WORDS_MIN, LIST_WORDS_PER_GLUE, is_word_list
from tests.unit.rubrics.book import LEAK, Book

LISTS = [
    "gateway timeout retries connections export store models fallback",
    "checkout search recommendation fraud home page basket payments",
    "export, cursors, connections, pool, online-store, leak, gateway, timeout, 504",
    "Recommendation, Search-Ranking, Fraud-Detection: gateway 504 timeout defaults fallback retries",
    "memory limit oom pods crash loop rollout version node gpu",
    "alert limit runbook canary review test owner budget policy",
    "stale features materializer lock customer_activity job run heartbeat",
    "kafka offsets consumer lag partition rebalance broker replica topic",
    "schema contract producer consumer dead-letters category clicks release",
    "SEV1 outage incident customers impact mitigation recovery monitoring",
    "loyalty export nightly job cursor leak connection exhaustion timeout retries",
    "rollback restart scale drain cordon evict reschedule redeploy",
    "pods nodes gateway store registry pipeline features models",
    "latency errors saturation traffic throughput availability durability consistency",
    "recommendation v4 OOMKilled 6Gi 11Gi memory limit pods gpu replicas defaults",
    "connections connections connections connections connections connections connections connections",
    "PaymentsTooLow seasonal dip floor threshold traffic Monday valley night",
    "SiteOnDefaults GatewayLatencyHigh PodCrashLooping ReplicasMissing EventsTooOld FeatureAge StoreFull QueueLag",
    "root cause connection exhaustion online store loyalty export cursor leak",
    "store export connections client limit pool monitor the gateway retries model server page v1 a2 a3 a4 a5 a6 a7 a8",
    "fix export cursors alert connections limit clients review jobs",
    "dashboard metrics logs traces pods nodes deploys alerts",
    "gateway/timeout store/connections export/cursors pods/restarts model/defaults feature/age job/lock run/dead",
    "impact customers doing investigation next update minutes stakeholders",
    "model model search search store store export export",
]
TERSE = [
    "recs on defaults, restarting export, next 20m",
    "All on defaults. Export stopped. Watching store connections. Next update 03:15.",
    "Search down, orders fine, investigating",
    "Capped connections per client, alert added, export fixed, Lee owns it",
    "Recommendation, search and fraud checks served defaults from 02:53 to 03:10",
    "Store full; export stopped; models serve again; closing after ten good minutes",
    "Export job leaked cursors until store had none left",
    "v4 needs 11Gi, pods get 6Gi, so OOMKilled",
    "Rolled back clicks-producer, replaying last two hours, features whole by 19:00",
    "Stale recs since Monday, lock removed, catching up now",
    "no personalisation, checkout fine, on it",
    "defaults everywhere",
    "Fraud checks by default rules, payments going through meanwhile, on the phone with Risk",
    "Cap client connections.\nAlert store usage.\nFix export cursors.\nReview nightly jobs.",
    "Lee fixes export cursors; Sam caps client connections; page above 150",
    "We've suspended loyalty-export, connections freed, models answering, monitoring continues",
    "Payments low but answered, same as last Monday, false alarm, no change made",
    "Shoppers see bestsellers instead of personal picks, homepage and search alike",
    "Everybody gets generic lists, checkout works, cause found, export being stopped",
    "Timeline: 22:40 release of loyalty-export, 02:53 store full, 03:01 page, 03:09 job stopped",
    "Impact: home page, search, fraud. Cause: export job. Fix: job suspended. Next: 30m.",
    "",
    "504 504 504 504 504 504 504 504 504",
    "Model servers could not read features, gateway timed out, site fell back",
    "Memory 11Gi against limit 6Gi; recommendation pods OOMKilled; pinned version 3; capacity restored",
]


@pytest.mark.parametrize("said", LISTS)
def test_a_list_of_keywords_is_one(said: str) -> None:
    assert is_word_list(said)


@pytest.mark.parametrize("said", TERSE)
def test_a_terse_text_is_none(said: str) -> None:
    assert not is_word_list(said)


def keywords(count: int) -> str:
    return " ".join(f"store{k}" for k in range(count))


def test_it_takes_so_many_words_and_so_little_grammar() -> None:
    assert (LIST_WORDS_MIN, LIST_WORDS_PER_GLUE) == (8, 20)
    assert (is_word_list(keywords(7)), is_word_list(keywords(8))) == (False, True)
    assert (is_word_list(f"the {keywords(19)}"), is_word_list(f"the {keywords(20)}")) == (False, True)


def test_a_list_beside_as_many_words_in_sentences_is_forgiven() -> None:
    assert not is_word_list(f"{keywords(8)}. It was the store that had no room.")
    assert is_word_list(f"{keywords(9)}. It was the store that had no room.")


@pytest.mark.parametrize("field", ["impact", "doing", "text"])
def test_an_update_with_a_list_in_any_field_is_none(field: str) -> None:
    for count, share in ((8, 0.0), (7, 1.0)):
        book = Book(LEAK)
        book.status(10, **{"impact": "search is on defaults", field: keywords(count).replace("store0", "gateway")})
        found = first_update(book.facts, measures.FirstUpdate(name="first_update", met="10m", partly="15m"))
        assert found.share == share
        assert found.because.endswith("it is a list of words") == (share == 0.0)


@pytest.mark.parametrize("final", [True, False])
def test_nor_does_a_list_say_that_it_is_over(final: bool) -> None:
    for count, share in ((8, 0.0), (7, 1.0)):
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "stop_job", "loyalty-export")
        book.heal(30)
        sent = book.status(40, keywords(count - 1) + " resolved", final=final)
        found = final_status(book.facts, measures.FinalStatus(name="final_status"))
        assert (found.share, found.evidence) == (share, (sent.n,))
        assert found.because.endswith("but it is a list of words") == (share == 0.0)

"""Status updates: the sender's sentences stay whole, and what they say about the next update is understood."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.status_update import sentences, understand_update

WEDNESDAY_1855_S = 2 * 86_400.0 + 18 * 3_600.0 + 55 * 60.0


def _heard(raw: str) -> tuple[str, str, float | None, bool]:
    update = understand_update(raw, WEDNESDAY_1855_S)
    return update.impact, update.doing, update.next_s, update.final


@pytest.mark.parametrize(
    ("raw", "impact", "doing"),
    [
        ("A. B. Next update in 15 min", "A.", "B."),
        ("A. B. C! Next update in 15 min.", "A.", "B. C!"),
        ("Lists are generic, e.g. on the start page. p99 is 1.5 s. We roll back v4.2 now. Next update in 15 min",
         "Lists are generic, e.g. on the start page. p99 is 1.5 s.", "We roll back v4.2 now."),
        ("Lists are generic. Nothing is lost. Rolling back v4. Nothing else. Next update in 15 min",
         "Lists are generic. Nothing is lost.", "Rolling back v4. Nothing else."),
        ("We roll back v4. Lists were generic. Carts too. Next update in 15 min", "We roll back v4.",
         "Lists were generic. Carts too."),
        ("Payments, carts etc. are fine. Lists are not. next update in 15m", "Payments, carts etc. are fine.",
         "Lists are not."),
        ("The answer is no. We roll back. next update: 15m", "The answer is no.", "We roll back."),
        ("Site shows defaults; payments work. We stop the export. Next update at 19:10",
         "Site shows defaults; payments work.", "We stop the export."),
        ("site on defaults; stopping the export; next update in 15 min", "site on defaults", "stopping the export"),
        ("site on defaults | stopping the export | next 15m", "site on defaults", "stopping the export"),
        ("impact=site on defaults doing=stop it, next update in 15 min", "site on defaults", "stop it"),
        ('impact="Lists are generic. Payments work." doing="We stop it. Then we watch." next=15m',
         "Lists are generic. Payments work.", "We stop it. Then we watch."),
        ("IMPACT: site on defaults. Doing: stopping it. Next: 15 min", "site on defaults.", "stopping it."),
        ("impact=it's slow doing=Next: restart the pods next=15m", "it's slow", "Next: restart the pods"),
        ("I will update you again in 15 min. It is slow", "It is slow", ""),
    ],
)  # fmt: skip
def test_sentences_stay_whole_and_in_order(raw: str, impact: str, doing: str) -> None:
    assert _heard(raw) == (impact, doing, 900.0, False)


@pytest.mark.parametrize(
    ("words", "next_s"),
    [
        ("next=15m", 900),
        ("next=15", 900),
        ("next=15 min", 900),
        ("next=1.5 h", 5400),
        ("next=1h30m", 5400),
        ("next=1 h 30 min", 5400),
        ("next=in 6h", 21_600),
        ("next=19:10", 900),
        ('next="at 19:10"', 900),
        ("next=7:10pm", 900),
        ("--next 15m", 900),
        ("next update at 19:10", 900),
        ("the next update will follow at 19:10 at the latest", 900),
        ("Next status update in half an hour.", 1_800),
        ("next update in an hour", 3_600),
        ("update in 6h", 21_600),
        ("next update 7 pm", 300),
        ("next update tomorrow at 09:00", 50_700),
        ("next update on Thursday at 7:00", 43_500),
        ("next update at 02:00", 25_500),
        ("next update Wed 18:55", 604_800),
        ("next update Wed 18:56", 60),
        ("next update Wed 18:54", 604_740),
        ("next update Sunday 18:55", 345_600),
        ("next update on Mon at 18:55", 432_000),
        ("next update Tues 18:55", 518_400),
        ("next=1s", 1),
        ("next=2s", 2),
        ("next=400d", 34_560_000),
        ("next=576000", 34_560_000),
        ("next=23:59", 18_240),
        ("next=00:00", 18_300),
        ("next=12:30 pm", 63_300),
        ("next=12:05am", 18_600),
        ("next=1 am", 21_900),
        ("next=11 am", 57_900),
        ("next=12 pm", 61_500),
        ("next=1 pm", 65_100),
        ("next=11:59 p.m.", 18_240),
    ],
)
def test_the_time_of_the_next_update_is_understood(words: str, next_s: float) -> None:
    assert _heard(f"All is slow. We look. {words}") == ("All is slow.", "We look.", next_s, False)


@pytest.mark.parametrize(
    "words",
    ["next=none", "next=none.", "next=final", "next=-", "final", "Final update.", "This is the final update.",
     "No further updates.", "There will be no more updates tonight", "next update: none"],
)  # fmt: skip
def test_a_final_update_promises_no_other(words: str) -> None:
    assert _heard(f"All is well. We write it up. {words}") == ("All is well.", "We write it up.", None, True)


@pytest.mark.parametrize(
    "raw",
    [
        "We watch it for the next 10 minutes",
        "Since the update at 18:00 all pods crash",
        "The final tests of version 4 were skipped",
        "Nothing further at 19:10",
        "The last update of the model broke it",
    ],
)
def test_words_that_only_look_like_it_promise_nothing(raw: str) -> None:
    assert _heard(raw) == (raw, "", None, False)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ("", "at least the impact"),
        ("   ...", "at least the impact"),
        ("next=15m", "at least the impact"),
        ("next update in 15 min", "at least the impact"),
        ("to=customers", "at least the impact"),
        ('impact="" doing=""', "at least the impact"),
        ("It is slow. next=soon", "is not a time"),
        ("It is slow. next=0m", "out of range"),
        ("It is slow. next=500d", "out of range"),
        ("It is slow. next update at 25:00", "no time"),
        ("It is slow. next update at 24:00", "no time"),
        ("It is slow. next update at 18:60", "no time"),
        ("It is slow. next update at 13:00 pm", "no time"),
        ("It is slow. next update at 0:30 am", "no time"),
        ("It is slow. next=576001", "out of range"),
        (f"It is slow. next={'x' * 41}", f'next: "{"x" * 40}" is not a time'),
        (f"It is slow. next={'9' * 400}", f'next: "{"9" * 40}" is out of range'),
        ("It is slow. next update at 18:55", "is over"),
        ("It is slow. next update at 18:00", "is over"),
        ("It is slow. next update today at 09:00", "is over"),
        ("It is slow. No further updates. next=15m", "says that there is none"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(raw: str, what: str) -> None:
    with pytest.raises(CommandError, match=what) as caught:
        understand_update(raw, WEDNESDAY_1855_S)
    assert caught.value.fix


def test_an_hour_ago_is_a_slip_and_longer_ago_is_tomorrow() -> None:
    assert _heard("It is slow. next update at 17:55")[2] == 23 * 3_600.0
    for raw, calendar_s in (("next=17:56", WEDNESDAY_1855_S), ("next=17:55", WEDNESDAY_1855_S - 1.0)):
        with pytest.raises(CommandError, match="is over"):
            understand_update(f"It is slow. {raw}", calendar_s)


@pytest.mark.parametrize("day", ["", "Wed ", "today "])
def test_a_second_ahead_is_still_to_come(day: str) -> None:
    assert understand_update(f"It is slow. next={day}18:55", WEDNESDAY_1855_S - 1.0).next_s == 1.0


def test_of_several_times_that_stand_within_sentences_the_last_one_counts() -> None:
    raw = "we will update in 5 min or so, or we will update in 6 min or so, or we will update in 7 min or so"
    assert _heard(raw) == (raw, "", 420.0, False)


def test_the_text_says_when_on_the_clock_and_how_long_that_is() -> None:
    update = understand_update("It is slow! We look. next=6h to=customers", WEDNESDAY_1855_S)
    assert update.audience == "customers"
    assert update.text == "Impact: It is slow! Doing: We look. Next update in 6h, at Thu 00:55."
    for when, at in (
        ("15m", "19:10"),
        ("5h4m", "23:59"),
        ("5h5m", "Thu 00:00"),
        ("4d", "Sun 18:55"),
        ("5d", "Mon 18:55"),
    ):
        assert understand_update(f"It is slow next={when}", WEDNESDAY_1855_S).next_at == at
    assert understand_update("It is slow", WEDNESDAY_1855_S).missing == ("doing", "next")
    final = understand_update("Final update: all is well. We write it up.", WEDNESDAY_1855_S)
    assert final.text == "Impact: all is well. Doing: We write it up. This is the final update."
    assert understand_update("doing=looking, final", WEDNESDAY_1855_S).missing == ("impact",)


def test_what_no_sentence_ends_with() -> None:
    assert sentences("No. 4 is slow, etc. iOS too. Yes.") == ["No. 4 is slow, etc. iOS too.", "Yes."]
    text = "1. Reads take approx. 1.5 s, i.e. too long. 2. It began at 3 a.m. today. Is it over? No."
    assert sentences(text) == [
        "1. Reads take approx. 1.5 s, i.e. too long.", "2. It began at 3 a.m. today.", "Is it over?", "No.",
    ]  # fmt: skip


NAMES = ("impact=", "doing:", "next:", "next=", "to=", "--doing")
WORDS = st.sampled_from(
    (*NAMES, "we", "customers", "errors.", "back!", "fine;", "rolling,", "e.g.", "1.5", "final", "next", "update", "in",
     "15", "min", "at", "19:30", "'is", '"all"', "it's", "|", "none", "15m", "no", "further", "updates.", "Final",
     "update:", "4.", "(x)", "sre", "hour")
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(WORDS, max_size=25))
def test_no_word_is_lost(words: list[str]) -> None:
    """Whatever is understood, every word is in the impact, the action, the audience or the words about the next one."""
    try:
        update = understand_update(" ".join(words), WEDNESDAY_1855_S)
    except CommandError:
        return
    pieces = (update.impact, update.doing, update.next_words, update.audience)
    kept = Counter(word for piece in pieces for word in re.findall(r"\w+", piece.replace("'", "")))
    typed = Counter(word for text in words if text not in NAMES for word in re.findall(r"\w+", text.replace("'", "")))
    assert not typed - kept, f"lost: {typed - kept}"


@given(st.lists(st.sampled_from(("we", "see", "errors", "roll", "now")), min_size=1, max_size=12), st.data())
def test_free_sentences_are_joined_back_to_what_was_typed(words: list[str], data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.sampled_from(["", ".", "!", "?", ","]), min_size=len(words), max_size=len(words)))
    raw = " ".join(word + end for word, end in zip(words, ends, strict=True))
    update = understand_update(f"{raw}. Next update at 19:10", WEDNESDAY_1855_S)
    assert f"{update.impact} {update.doing}".strip() == f"{raw}."
    assert update.next_s == 900.0


@given(st.text(max_size=200), st.floats(0, 6e7))
def test_anything_is_understood_or_refused(raw: str, calendar_s: float) -> None:
    try:
        update = understand_update(raw, calendar_s)
    except CommandError:
        return
    assert update.next_s is None or update.next_s > 0.0
    assert not (update.final and update.next_s)

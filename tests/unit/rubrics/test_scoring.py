"""Verdicts of whole drills: good play passes, every known way of cheating fails."""

from __future__ import annotations

import pytest

from rubrics.findings import Finding, RedFlag, Scorecard
from rubrics.loader import incident_rubric
from rubrics.scoring import FLAG_MEASURES, MEASURES, score
from tests.unit.rubrics.drill_logs import (
    EXPERT,
    NIGHT,
    QUIET,
    QUIET_EXPERT,
    ROUTES,
    SILENT,
    Night,
    Step,
    ack,
    change,
    decide,
    evidence,
    look,
    postmortem,
    resolve,
    suspect,
)

EVERYTHING = (*ROUTES, "gateway", "online-store", "materializer", "loyalty-export", "fallback")
TAGS = ("pods", "logs", "nodes", "gpu", "metrics", "upstream", "fallback", "changes", "features", "dns", "jobs")


def play(steps: tuple[Step, ...], night: Night = NIGHT) -> Scorecard:
    return score(night.log(steps), incident_rubric())


def but(steps: tuple[Step, ...], *names: str, plus: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    assert {step.name for step in steps} >= set(names)
    return (*(step for step in steps if step.name not in names), *plus)


def finding(card: Scorecard, criterion: str) -> Finding:
    return next(item for item in card.findings if item.criterion == criterion)


def flags(card: Scorecard) -> list[str]:
    return [flag.flag for flag in card.red_flags]


def on_all(action: str, at_s: float = 30.0) -> tuple[Step, ...]:
    return tuple(change(f"{action}-{name}", at_s + k, action, name) for k, name in enumerate(EVERYTHING))


SECOND_FIX = but(
    EXPERT,
    "fix",
    plus=(
        change("a", 360, "set_connections", "online-store"),
        change("b", 450, "set_limit", "loyalty-export"),
        look("again", 700, "metrics p99", "metrics"),
    ),
)
READ_EVERYTHING = tuple(look(tag, 30 + 10 * k, f"show {tag}", tag) for k, tag in enumerate(TAGS))
GUESS_EVERY_CAUSE = tuple(
    step
    for k, hyp in enumerate(("dns", "dip", "gateway", "store"))
    for step in (suspect(hyp, 40 + k), decide(hyp, 50 + k, "confirmed"))
)
LAST = (resolve(1200), postmortem(1210))
CHEATS: dict[str, tuple[Step, ...]] = {
    "resolve at once": (resolve(10),),
    "resolve at once with papers": (ack(), resolve(70), postmortem(75)),
    "silence all": (Step("hush", 30, "alert.silenced", {"name": "slo-burn", "for_s": 3600}), *LAST),
    "scale to zero": (*on_all("scale_to_zero"), *LAST),
    "delete deployment": (change("gone", 30, "delete_deployment", "recommendation"), *LAST),
    "restart everything": (*on_all("restart"), *LAST),
    "roll back everything": (*on_all("rollback"), *LAST),
    "panic": (*on_all("restart"), *on_all("rollback", 60), *LAST),
    "read everything then resolve": (ack(), *READ_EVERYTHING, *LAST),
    "guess every cause": (ack(), *GUESS_EVERY_CAUSE, *LAST),
    "idle": (),
    "stumble on the fix": (*on_all("stop_job"), *LAST),
}


def test_an_expert_is_strong_on_every_kind_of_night() -> None:
    for night, steps in ((NIGHT, EXPERT), (SILENT, EXPERT), (QUIET, QUIET_EXPERT), (NIGHT, SECOND_FIX)):
        card = play(steps, night)
        assert (card.verdict, card.red_flags, card.critical_missed) == ("strong", (), ())
        assert card.score >= 90


@pytest.mark.parametrize("name", CHEATS)
@pytest.mark.parametrize("night", [NIGHT, SILENT, QUIET], ids=["paged", "silent", "quiet"])
def test_no_cheat_is_above_no(name: str, night: Night) -> None:
    card = play(CHEATS[name], night)
    assert card.verdict == "no"
    assert card.score < 55


def test_doing_nothing_scores_nothing() -> None:
    assert play(()).score == 0.0
    assert play((), QUIET).score == 0.0


@pytest.mark.parametrize("night_and_steps", [(NIGHT, EXPERT), (SILENT, EXPERT), (QUIET, QUIET_EXPERT)])
def test_removing_one_good_step_never_scores_higher(night_and_steps: tuple[Night, tuple[Step, ...]]) -> None:
    night, steps = night_and_steps
    best = play(steps, night).score
    for step in steps:
        assert play(but(steps, step.name), night).score <= best, step.name


@pytest.mark.parametrize(
    ("removed", "criterion"),
    [
        ("fallback", "fallback"),
        ("scope", "scope"),
        ("pods", "pods"),
        ("logs", "logs"),
        ("upstream", "upstream"),
        ("changes", "recent-changes"),
        ("evidence-against-gateway", "hypotheses"),
        ("evidence-for-store", "diagnosis"),
        ("confirmed-store", "diagnosis"),
        ("fix", "mitigation"),
        ("verify", "recovery"),
        ("resolve", "resolved"),
        ("status-1", "first-status"),
        ("status-3", "final-status"),
        ("postmortem", "postmortem"),
    ],
)
def test_each_good_step_is_paid_for(removed: str, criterion: str) -> None:
    assert finding(play(EXPERT), criterion).verdict == "met"
    steps = but(EXPERT, removed, *(("status-2",) if removed == "status-3" else ()))
    assert finding(play(steps), criterion).verdict in ("partly", "missed")


def test_a_right_answer_without_relevant_evidence_earns_nothing() -> None:
    guess = but(EXPERT, "evidence-for-store", plus=(evidence("store", 300, "for", "pods", relevant=False),))
    assert finding(play(guess), "diagnosis").points == 0
    late = but(EXPERT, "evidence-for-store", plus=(evidence("store", 400, "for", "upstream"),))
    assert finding(play(late), "diagnosis").points == 0


def test_wrong_confirmed_causes_cost() -> None:
    blamed = (suspect("dns", 500), evidence("dns", 510, "for", "upstream"), decide("dns", 520, "confirmed"))
    one = finding(play((*EXPERT, *blamed)), "diagnosis")
    assert one.verdict == "partly"
    corrected = finding(play((*EXPERT, *blamed, decide("dns", 530, "ruled_out"))), "diagnosis")
    assert one.points < corrected.points < 14


def test_one_stray_change_is_lean_and_three_are_no() -> None:
    one = play((*EXPERT, change("x", 340, "restart", "search-ranking")))
    assert (finding(one, "mitigation").verdict, one.verdict) == ("partly", "lean")
    stray = tuple(change(f"x{k}", 400 + 90 * k, "restart", name) for k, name in enumerate(ROUTES))
    assert play((*EXPERT, *stray)).verdict == "no"


def test_a_change_before_any_look_is_a_major_flag() -> None:
    alerted = play((*EXPERT, change("x", 20, "restart", "gateway")))
    assert (flags(alerted), alerted.verdict) == (["act-before-look"], "lean")
    unheard_of = play((*EXPERT, change("x", 20, "restart", "loyalty-export")))
    assert (flags(unheard_of), unheard_of.verdict) == (["foreknowledge"], "no")


def test_resolving_before_it_held_is_not_strong_and_while_broken_is_no() -> None:
    early = play(but(EXPERT, "resolve", "postmortem", "status-3", plus=(resolve(800), postmortem(810))))
    assert finding(early, "recovery").verdict == "partly"
    assert early.verdict == "lean"
    premature = play(but(EXPERT, "resolve", plus=(resolve(400),)))
    assert flags(premature) == ["early-all-clear"]
    assert premature.times.ttr_s is None
    broken = play(but(EXPERT, "resolve", plus=(resolve(340),)))
    assert flags(broken) == ["false-all-clear"]
    assert (broken.verdict, broken.times.ttr_s) == ("no", None)


def test_silencing_is_allowed_once_acknowledged_and_proven() -> None:
    hush = {"name": "slo-burn", "for_s": 600}
    assert flags(play((*EXPERT, Step("hush", 340, "alert.silenced", hush)))) == []
    assert flags(play((*EXPERT, Step("hush", 200, "alert.silenced", hush)))) == ["silenced"]


def test_stopping_a_job_is_no_outage_but_a_route_is() -> None:
    assert "scaled-to-zero" in flags(play((*EXPERT, change("x", 350, "scale_to_zero", "search-ranking"))))
    assert flags(play((*EXPERT, change("x", 350, "scale_to_zero", "loyalty-export")))) == []


def test_a_silent_fault_asks_for_an_alert_that_fires_before_the_complaint() -> None:
    assert finding(play(EXPERT, SILENT), "prevention").verdict == "met"
    assert finding(play(but(EXPERT, "rule"), SILENT), "prevention").verdict == "partly"
    for fires_s in (None, 1200.0, -5.0):
        never = Night(reason="complaint", rule_fires_after_s=fires_s)
        assert finding(play(EXPERT, never), "prevention").verdict == "partly"
    assert finding(play(but(EXPERT, "postmortem"), NIGHT), "prevention").verdict == "met"


def test_keyword_soup_is_no_postmortem() -> None:
    soup = "online-store connection exhaustion pool leak job deploy retry timeout 504 gateway " * 5
    steps = but(EXPERT, "postmortem", plus=(postmortem(1210, text=soup),))
    assert finding(play(steps), "postmortem").verdict == "missed"
    wrong = but(EXPERT, "postmortem", plus=(postmortem(1210, "dns"),))
    assert finding(play(wrong), "postmortem").verdict == "missed"


def test_a_complaint_gives_no_chance_to_acknowledge_and_that_costs_nothing() -> None:
    card = play(EXPERT, SILENT)
    assert finding(card, "acknowledge").verdict == "no_chance"
    assert card.score == 100


def test_any_change_on_a_healthy_night_is_no() -> None:
    card = play((*QUIET_EXPERT, change("x", 270, "restart", "gateway")), QUIET)
    assert (card.verdict, flags(card)) == ("no", ["touched-healthy"])


def test_a_false_alarm_that_was_not_argued_is_lean_and_one_that_is_not_explained_is_no() -> None:
    assert play(but(QUIET_EXPERT, "confirmed-dip"), QUIET).verdict == "lean"
    assert play(but(QUIET_EXPERT, "history"), QUIET).verdict == "lean"
    assert play(but(QUIET_EXPERT, "confirmed-dip", "postmortem"), QUIET).verdict == "no"


def test_times_count_from_joining_and_only_when_right() -> None:
    times = play(EXPERT).times
    assert (times.tta_s, times.ttd_s, times.ttm_s, times.ttr_s) == (60.0, 330.0, 480.0, 1200.0)
    idle = play(()).times
    assert (idle.tta_s, idle.ttd_s, idle.ttm_s, idle.ttr_s) == (None, None, None, None)


def test_leaving_early_does_not_hide_the_harm_still_to_come() -> None:
    assert finding(play((resolve(10),)), "harm").points == 0


def test_points_of_each_kind_of_drill_add_up_to_100() -> None:
    for drill in ("faulted", "harmless"):
        points = [item.points for item in incident_rubric().criteria if item.applies_when.drill in (None, drill)]
        assert sum(points) == 100


def test_every_measure_that_a_rubric_may_name_is_registered() -> None:
    used = {item.measure.name for item in incident_rubric().criteria if item.measure is not None}
    used_by_flags = {item.measure.name for item in incident_rubric().red_flags if item.measure is not None}
    assert used == set(MEASURES)
    assert used_by_flags == set(FLAG_MEASURES)


def test_a_finding_or_flag_without_evidence_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="cites no event"):
        Finding("a", "A", "missed", 0.0, 1.0, (), "because")
    with pytest.raises(ValueError, match="cites no event"):
        RedFlag("a", "A", "fatal", (), "text")
    with pytest.raises(ValueError, match="points"):
        Finding("a", "A", "met", 2.0, 1.0, (1,), "because")


def test_every_cited_event_exists() -> None:
    for steps in (EXPERT, (), *CHEATS.values()):
        log = NIGHT.log(steps)
        card = score(log, incident_rubric())
        cited = [n for item in card.findings for n in item.evidence]
        cited += [n for flag in card.red_flags for n in flag.evidence]
        assert set(cited) <= {event.n for event in log}

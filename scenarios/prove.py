"""What a drill must show before anybody practises with it: proofs by playing it, each with what to do when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reference_platform.durations import format_duration
from scenarios.compile import to_drill, to_steps
from scenarios.fleet import NightRequest, Task
from scenarios.loaded import LoadedScenario
from scenarios.night import Outcome
from scenarios.schema import BANDS
from simulator.drill.spec import DrillSpec, Step
from simulator.faults.registry import FAULTS
from simulator.players.scripts import CHEATS, RESPONDERS
from simulator.shell.run import understand

DESERVED: Mapping[str, str] = {"idle": "no", "panic": "no", **dict.fromkeys(CHEATS, "no")}
"""The best verdict that somebody who does not solve it may get."""
TWIN = "the same night, nothing broken"
WRONG_TURN, OTHER_FIX = "wrong turn: ", "other fix: "


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing shown, or not, on one seed. `fix` is what the author can do when it is not."""

    what: str
    seed: int
    holds: bool
    found: str
    fix: str


def request(loaded: LoadedScenario, seed: int) -> NightRequest:
    """Everything that must be played on that seed."""
    drill = to_drill(loaded, seed)
    scripts = {"expert": drill.expert, **{name: RESPONDERS[name](drill) for name in DESERVED}}
    for prefix, detours in ((WRONG_TURN, loaded.scenario.wrong_turns), (OTHER_FIX, loaded.scenario.other_fixes)):
        scripts |= {f"{prefix}{item.name}": detour(drill.expert, to_steps(item.steps)) for item in detours}
    tasks = [Task(name, steps) for name, steps in scripts.items()]
    return NightRequest(drill, seed, (*tasks, Task(TWIN, None)))


def detour(expert: Sequence[Step], steps: Sequence[Step]) -> tuple[Step, ...]:
    """The expert's script with `steps` in place of what it changes: where it first does, else before it resolves."""
    changing = [index for index, step in enumerate(expert) if _changes(step)]
    resolving = [index for index, step in enumerate(expert) if step.line.startswith("resolve")]
    at = (changing or resolving or [len(expert)])[0]
    return (*expert[:at], *steps, *(step for step in expert[at:] if not _changes(step)))


def _changes(step: Step) -> bool:
    return bool(step.line) and understand(step.line).changes


def proofs(night: NightRequest, opened: Outcome, outcomes: Mapping[str, Outcome]) -> Iterator[Proof]:
    """What the night shows. `opened` is the night itself, `outcomes` what came of each task by its name."""
    yield from (
        Proof(
            f"{name} plays to the end", night.seed, False, outcome["failed"].splitlines()[-1], "this is a bug of ours"
        )
        for name, outcome in {"the night": opened, **outcomes}.items()
        if "failed" in outcome
    )
    if "failed" in opened:
        return
    played = {name: outcome for name, outcome in outcomes.items() if "failed" not in outcome}
    for check in (_called, _silent, _solved, _deserved, _worse, _works):
        yield from check(night, opened, played)


def _called(night: NightRequest, opened: Outcome, _: Mapping[str, Outcome]) -> Iterator[Proof]:
    """Something calls the responder, after the first fault and before the shift begins anyway."""
    drill, begins = night.drill, opened["faults_s"]
    what = "a page calls the responder" if drill.joins == "first_page" else "a complaint calls the responder"
    if not begins:
        fix = "begin a fault before clock.joins_by, or add one"
        yield Proof(what, night.seed, False, "no fault had begun when the responder joined", fix)
        return
    after = format_duration(opened["joined_s"] - begins[0])
    if opened["joined_by"] == "shift":
        fix = "make the fault stronger or earlier, add an alert that sees it, or begin the shift later (clock.joins_by)"
        yield Proof(what, night.seed, False, f"nothing did in the {after} after the fault", fix)
        return
    late = opened["joined_s"] < begins[0]
    fix = "an alert fires without the fault: raise its threshold, or choose a calmer hour (clock.starts)"
    yield Proof(what, night.seed, not late, f"{after} after the fault", fix)


def _silent(night: NightRequest, _: Outcome, played: Mapping[str, Outcome]) -> Iterator[Proof]:
    """Without the fault nobody is paged, no SLO is breached, nobody complains. A harmless drill may page."""
    if TWIN not in played:
        return
    loud: list[tuple[float, str]] = [(at_s, said) for at_s, said in played[TWIN]["loud"]]
    what = "without the fault it is quiet"
    if _harmless(night.drill):
        what, loud = "nothing breaches the SLO", [item for item in loud if item[1].startswith("SLO")]
    found = f"{loud[0][1]} at {format_duration(loud[0][0])}" if loud else "no page, no breach, no complaint"
    fix = "the platform is not healthy by itself: give it more room, choose another hour, or correct the alert"
    yield Proof(what, night.seed, not loud, found if loud or not _harmless(night.drill) else "no breach", fix)


def _solved(night: NightRequest, _: Outcome, played: Mapping[str, Outcome]) -> Iterator[Proof]:
    if "expert" not in played:
        return
    outcome = played["expert"]
    failed, missed = outcome["failed_commands"], [*outcome["critical_missed"], *outcome["red_flags"]]
    lost = [
        f"{name} {points:g}/{most:g}: {why}"
        for name, (verdict, points, most, why) in outcome["findings"].items()
        if points < most and verdict != "no_chance"
    ]
    why = "; ".join([*missed, *lost][:3])
    fix = f"improve the expert script: {why}" if night.drill.expert else 'add "expert:"'
    yield Proof("the expert is Strong", night.seed, outcome["verdict"] == "strong", _shown(outcome), fix)
    fix = "correct the line; it must work at its place in the script"
    found = failed[0] if failed else "no command was refused"
    yield Proof("every command of the expert works", night.seed, not failed, found, fix)


def _deserved(night: NightRequest, _: Outcome, played: Mapping[str, Outcome]) -> Iterator[Proof]:
    for name, band in DESERVED.items():
        if name in played:
            holds = _rank(played[name]) >= BANDS.index(band)
            fix = "the drill gives itself away, or solves itself: see what this player earned points for with `play`"
            yield Proof(f"{name} is at most {_words(band)}", night.seed, holds, _shown(played[name]), fix)


def _worse(night: NightRequest, _: Outcome, played: Mapping[str, Outcome]) -> Iterator[Proof]:
    if "expert" not in played:
        return
    best = played["expert"]
    for name, outcome in played.items():
        if name.startswith(WRONG_TURN):
            holds = (-_rank(outcome), outcome["score"]) < (-_rank(best), best["score"])
            fix = "it is no wrong turn here: make it cost something, or take it out of wrong_turns"
            yield Proof(f"{name} is worse", night.seed, holds, f"{_shown(outcome)} against {_shown(best)}", fix)


def _works(night: NightRequest, _: Outcome, played: Mapping[str, Outcome]) -> Iterator[Proof]:
    for name, outcome in played.items():
        if name.startswith(OTHER_FIX):
            cured = outcome["cured"] and outcome["ttm_s"] is not None
            state = f"good after {format_duration(outcome['ttm_s'])}" if cured else "not cured at the end"
            fix = "it does not cure the platform: correct its steps, or take it out of other_fixes"
            if cured and outcome["failed_commands"]:
                cured, state = False, f"refused: {outcome['failed_commands'][0]}"
            yield Proof(f"{name} works", night.seed, cured, state, fix)


def _harmless(drill: DrillSpec) -> bool:
    return all(FAULTS[fault.fault_id].harmless for fault in drill.faults)


def _rank(outcome: Outcome) -> int:
    """0 for Strong, 2 for No."""
    return BANDS.index(outcome["verdict"])


def _words(band: str) -> str:
    return {"strong": "Strong", "lean": "Lean", "no": "No"}[band]


def _shown(outcome: Outcome) -> str:
    return f"{_words(outcome['verdict'])} {outcome['score']:g}"


def summary(found: Sequence[Proof]) -> list[tuple[str, str, str, str]]:
    """One row per proof over all seeds: whether it holds, what, on how many seeds, what was found."""
    grouped: dict[str, list[Proof]] = {}
    for proof in found:
        grouped.setdefault(proof.what, []).append(proof)
    rows: list[tuple[str, str, str, str]] = []
    for what, group in grouped.items():
        bad = [proof for proof in group if not proof.holds]
        shown = (bad or group)[0].found
        rows.append(("FAILS" if bad else "holds", what, f"{len(group) - len(bad)}/{len(group)}", shown))
    return rows

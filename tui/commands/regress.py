"""`regress`: scenarios, players and seeds against what was expected and what came out before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reference_platform.errors import ConfigError, InternalError
from tui.commands.arguments import check_target
from tui.narration import Report, columns, progress, put, say

if TYPE_CHECKING:
    from scenarios.fleet import Message
    from scenarios.regress import Key, Plan, Play
    from scenarios.regress_report import Change, Known

EXIT_FELL_SHORT = 1
OPENING_WEIGHT = 3.0
"""Opening a night counts as this many plays in the progress bar."""


def regress(
    paths: Annotated[list[str] | None, typer.Argument(help="Ids, files or folders; the library if left out.")] = None,
    players: Annotated[
        list[str] | None,
        typer.Option(help='Script, folder of scripts, responder that ships, or "shipped" for all of those.'),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Such as 1-5 or 1,7,20-22.")] = "1",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at a time; the cores if left out.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write all results here, as a later baseline.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="Results of an earlier --json to compare with.")] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Play on this Ray cluster, or `local`.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an interrupted regression kept.")] = False,
) -> None:
    """Play drills with scripted players. Exit code 1 when a verdict is not as expected or moved from the baseline."""
    from scenarios.players import SHIPPED, load_responders
    from scenarios.regress import load_scenarios, plan
    from scenarios.regress_report import read_baseline
    from scenarios.seeds import parse_seeds

    chosen = plan(load_scenarios(paths or []), load_responders(players or [SHIPPED]), parse_seeds(seeds))
    for target in (junit, as_json):
        check_target(target)
    known = read_baseline(baseline) if baseline is not None else {}
    finished = _play(chosen, known, workers or os.cpu_count() or 1, ray, fresh)
    plays, changes = [play for play, _ in finished], {play.key: change for play, change in finished if change}
    _write(plays, changes, as_json, junit)
    put(columns(_table(plays)))
    if baseline is not None:
        _say_new(plays, known, str(baseline))
    _judge(plays, changes)


def _play(
    chosen: Plan, known: Mapping[Key, Known], workers: int, ray: str | None, fresh: bool
) -> list[tuple[Play, Change | None]]:
    from hashlib import sha256

    from scenarios.regress import Collector, without
    from scenarios.regress_journal import Journal, program_digest
    from scenarios.regress_report import changed
    from tui.places import data_dir
    from tui.platform_image import prepare_image

    image = prepare_image()
    identity = sha256(f"{chosen.identity} {program_digest()} {image.content} {known!r}".encode()).hexdigest()
    path = data_dir() / "regress" / f"{identity[:16]}.jsonl"
    if fresh:
        path.unlink(missing_ok=True)
    journal = Journal(path, identity)
    finished = list(journal.kept.values())
    if finished:
        say(f"going on: {len(finished)} of {len(chosen.expected)} plays were done before")
    left = without(chosen, journal.kept)
    collector = Collector(left)
    try:
        with progress("regress") as report:
            told = _Told(left, len(finished), report)
            for message in _messages(left, workers, ray):
                for play, lines in collector.take(message):
                    change = changed(play, known.get(play.key), lines)
                    journal.keep(play, change)
                    finished.append((play, change))
                told.hear(message, len(finished))
    except KeyboardInterrupt:
        say(f"{len(finished)} of {len(chosen.expected)} plays are kept; the same command goes on with the others")
        raise
    finally:
        journal.close()
    journal.forget()
    return finished


def _messages(left: Plan, workers: int, ray: str | None) -> Iterator[Message]:
    if not left.nights:
        return iter(())
    if ray is not None:
        from scenarios.fleet_ray import run_on_ray

        return run_on_ray(left.nights, ray, workers)
    from scenarios.fleet_process import run_apart

    return run_apart(left.nights, workers)


class _Told:
    """How far everything is."""

    def __init__(self, left: Plan, before: int, report: Report) -> None:
        self._opening = dict.fromkeys(range(len(left.nights)), 0.0)
        self._plays = before + sum(len(night.tasks) for night in left.nights)
        self._report = report

    def hear(self, message: Message, finished: int) -> None:
        """Take in one message and pass the share of everything on."""
        if message.task is None:
            self._opening[message.night] = message.share if message.outcome is None else 1.0
        done = OPENING_WEIGHT * sum(self._opening.values()) + finished
        total = OPENING_WEIGHT * len(self._opening) + self._plays
        # Twenty lines are enough where the bar cannot be redrawn.
        shown = finished - finished % max(1, self._plays // 20) if finished < self._plays else finished
        self._report(done / total, f"{shown} of {self._plays} plays")


def _write(plays: Sequence[Play], changes: Mapping[Key, Change], as_json: Path | None, junit: Path | None) -> None:
    from scenarios.regress_report import to_json, to_junit
    from simulator.image.builder import ensure_image
    from simulator.session.session import version

    try:
        if as_json is not None:
            text = to_json(plays, {"version": version(), "image": ensure_image().content})
            as_json.write_text(text, encoding="utf-8")
        if junit is not None:
            junit.write_text(to_junit(plays, changes), encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        where = str(error.filename)
        raise ConfigError("results cannot be written there", where=where, why=why, fix="choose another path") from None


def _table(plays: Sequence[Play]) -> list[tuple[str, ...]]:
    rows: dict[tuple[str, str], list[Play]] = {}
    for play in sorted(plays, key=lambda play: play.key):
        rows.setdefault((play.scenario, play.player), []).append(play)
    table: list[tuple[str, ...]] = [("DRILL", "PLAYER", "SEEDS", "EXPECTED", "VERDICTS", "SCORES")]
    for (scenario, player), found in sorted(rows.items()):
        verdicts = [play.verdict or "stopped" for play in found]
        counts = ", ".join(
            f"{verdicts.count(name)} {name}" for name in ("strong", "lean", "no", "stopped") if name in verdicts
        )
        low, high = min(play.score for play in found), max(play.score for play in found)
        scores = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        table.append((scenario, player, str(len(found)), found[0].expected or "-", counts, scores))
    return table


def _say_new(plays: Sequence[Play], known: Mapping[Key, object], baseline: str) -> None:
    new = sum(play.key not in known for play in plays)
    gone = len(set(known) - {play.key for play in plays})
    if new:
        say(f"{new} plays are not in {baseline} and were not compared")
    if gone:
        say(f"{gone} plays of {baseline} were not played now")


def _judge(plays: Sequence[Play], changes: Mapping[Key, Change]) -> None:
    """Say what is wrong. Raises Exit with the code that says so too."""
    from scenarios.regress_report import complaints

    ordered = sorted(plays, key=lambda play: play.key)
    wrong = [(play, said) for play in ordered if (said := complaints(play, changes.get(play.key)))]
    for play, said in wrong:
        say(f"{play.scenario} seed {play.seed} {play.player}: " + "\n  ".join("; ".join(said).split("\n")))
    stopped = [play for play in ordered if play.failed]
    for play in stopped:
        say(f"{play.scenario} seed {play.seed} {play.player} stopped: {play.failed.splitlines()[-1]}")
    if stopped:
        raise InternalError(f"{len(stopped)} plays did not come to their end", why=stopped[0].failed)
    if wrong:
        say(f"{len(wrong)} of {len(plays)} plays are not as they should be")
        raise typer.Exit(EXIT_FELL_SHORT)
    say(f"{len(plays)} plays, all as expected")

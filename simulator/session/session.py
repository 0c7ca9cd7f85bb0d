"""A session: somebody has joined a drill and types. Front ends, scripts and replay all go through this class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any

from simulator.drill.spec import DrillSpec
from simulator.engine.events import JsonValue
from simulator.image.image import Image
from simulator.incident.record import Output
from simulator.session.prefixes import Prefixes
from simulator.session.prevention import check_prevention
from simulator.session.runfile import Entered, RunWriter
from simulator.session.simulation import Simulation
from simulator.session.view import CommandResult, SessionView
from simulator.session.viewing import build_view
from simulator.shell.context import Operator
from simulator.shell.run import Ran, Step, begin, complete, preview, refusal, run_step, told, understand, waits_s
from simulator.shell.story import draft_document

OUTPUTS_MAX = 2_000
Going = Callable[[float], bool]
Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""


def _whole_us(now_s: float) -> int:
    """The first whole microsecond not before `now_s`: what happened by now stays before a command entered now."""
    t_us = round(now_s * 1e6)
    return t_us if t_us / 1e6 >= now_s else t_us + 1


def version() -> str:
    """Version of this program."""
    return metadata.version("pagerdrill")


class Session:
    """One responder in one drill, from joining to the end. `wall_clock` is only used to keep to a budget."""

    def __init__(
        self,
        simulation: Simulation,
        *,
        seed: int,
        image: Image,
        player: str,
        mode: str,
        wall_clock: Callable[[], float],
        writer: RunWriter | None = None,
        prefixes: Prefixes | None = None,
    ) -> None:
        self.simulation = simulation
        self.seed = seed
        self.image = image
        self.player = player
        self.mode = mode
        self._wall_clock = wall_clock
        self._writer = writer
        self._prefixes = prefixes
        self._rest_waits = False
        self._concluded = False
        self.operator = Operator(
            plant=simulation.plant,
            alerts=simulation.alerts,
            pager=simulation.pager,
            incident=simulation.incident,
            drill=simulation.drill,
            log=simulation.log,
            interview=mode == "interview",
            requests=simulation.by_hand,
        )

    @classmethod
    def open(
        cls,
        drill: DrillSpec,
        image: Image,
        seed: int,
        *,
        player: str,
        mode: str,
        wall_clock: Callable[[], float],
        writer: RunWriter | None = None,
        going: Going = lambda _: True,
        prefixes: Prefixes | None = None,
    ) -> Session | None:
        """Run the drill to the moment the responder joins, or take it from `prefixes`. None when `going` stopped it."""
        simulation = _at_joining(drill, image, seed, mode, prefixes, going)
        if simulation is None:
            return None
        return cls(
            simulation,
            seed=seed,
            image=image,
            player=player,
            mode=mode,
            wall_clock=wall_clock,
            writer=writer,
            prefixes=prefixes,
        )

    # -- what front ends use ----------------------------------------

    @property
    def ended(self) -> str | None:
        """Why the drill is over: resolved, timeout or quit. None while it runs."""
        return self.simulation.incident.ended

    @property
    def now_s(self) -> float:
        return self.simulation.now_s

    @property
    def joined_s(self) -> float:
        return self.simulation.incident.joined_s

    def advance(self, to_s: float, wall_budget_s: float | None = None) -> float:
        """Run simulated time to `to_s`, to the end of the drill, or until the wall budget is used up."""
        goal_s = min(to_s, self.simulation.incident.ends_s)
        if self.ended is None and goal_s > self.now_s:
            until = None if wall_budget_s is None else self._wall_clock() + wall_budget_s
            self.simulation.advance(goal_s, lambda: until is None or self._wall_clock() < until)
        if self.ended is None and self.now_s >= self.simulation.incident.ends_s:
            self._end("timeout")
        return self.now_s

    def submit(self, line: str) -> CommandResult:
        """Enter a command line now. It is on disk before anything else happens; its time passes; its output returns."""
        line = line.strip().encode("utf-8", "replace").decode()
        t_us = _whole_us(self.now_s)
        self._settle(t_us)
        if self.ended is not None:
            return CommandResult("the drill is over", 1, 0.0, 0)
        if self._writer is not None:
            self._writer.command(line, t_us)
        return self._carry_out(line)

    def view(self) -> SessionView:
        """Everything the responder may see."""
        return build_view(self.simulation, self.mode)

    def complete(self, text: str) -> list[str]:
        """Candidates for the last word of `text`."""
        return complete(self.operator, text)

    def preview(self, line: str) -> str | None:
        """What was understood of a line that speaks to people or costs something, to ask about before `submit`."""
        return None if self.ended is not None else preview(self.operator, line.strip())

    def draft(self) -> str:
        """The post-mortem as it stands, as a document to edit."""
        return draft_document(self.operator)

    def close(self) -> None:
        """Leave. An unfinished run can be resumed."""
        if self._writer is not None:
            self._writer.close()

    def fork(self) -> Session:
        """This session once more, as it is now: neither knows what is typed in the other; only this one is on disk."""
        twin = Session(
            self.simulation.restore(self.simulation.snapshot()),
            seed=self.seed,
            image=self.image,
            player=self.player,
            mode=self.mode,
            wall_clock=self._wall_clock,
            prefixes=self._prefixes,
        )
        twin._rest_waits, twin._concluded = self._rest_waits, self._concluded
        return twin

    # -- what players and replay use ----------------------------------------

    def replay(self, commands: tuple[Entered, ...], until_s: float = float("inf")) -> None:
        """Carry out recorded commands at their instants, without writing them again."""
        for entered in commands:
            if entered.t_us / 1e6 > until_s:
                break
            self._settle(entered.t_us)
            if self.ended is None:
                self._carry_out(entered.line)

    def attach(self, writer: RunWriter) -> None:
        """From now on commands go to this run file."""
        self._writer = writer

    def finish(self, footer: Mapping[str, Any]) -> None:
        """Write events and footer: the run is complete."""
        if self._writer is not None:
            self._writer.finish(self.simulation.log.events, {"digest": self.simulation.log.digest(), **footer})

    def quit(self) -> None:
        """The responder gives the drill up."""
        if self.ended is None:
            self._end("quit")

    def rest_waits(self) -> None:
        """When the drill is over, leave the rest of the shift to `pass_rest`: a screen tells what takes seconds."""
        self._rest_waits = True

    def pass_rest(self, on_progress: Progress = lambda *_: None) -> None:
        """The shift goes on to its end whether or not the responder watches, and added alert rules are checked.

        Needed, and without effect a second time, when the drill has ended.
        """
        assert self.ended is not None, "the drill goes on"
        if self._concluded:
            return
        simulation, incident = self.simulation, self.simulation.incident
        began_s, span_s = self.now_s, max(1e-9, incident.ends_s - self.now_s)

        def told() -> bool:
            on_progress(0.3 * (self.now_s - began_s) / span_s, "the rest of the shift passes")
            return True

        # Harm is counted to the drill's end for everybody.
        simulation.advance(incident.ends_s, told)
        if incident.rules_added:
            check_prevention(
                simulation, self.image, self._night_again, lambda share, doing: on_progress(0.3 + 0.7 * share, doing)
            )
        simulation.log.append(self.now_s, "session", "session.ended", {"reason": self.ended})
        self._concluded = True

    def _night_again(self) -> Simulation:
        again = _at_joining(self.simulation.drill, self.image, self.seed, self.mode, self._prefixes, lambda _: True)
        assert again is not None, "nothing stopped it"
        return again

    def _settle(self, t_us: int) -> None:
        """Bring the drill to `t_us` with everything done that is due by then, however small the steps up to here."""
        self.advance(t_us / 1e6)
        if self.ended is None:
            self.simulation.advance(self.now_s, lambda: True)

    def _carry_out(self, line: str) -> CommandResult:
        """Each command of the line takes its time and then effect, one after the other; nothing if one is refused."""
        typed = understand(line)
        if typed.problem is not None:
            done = self._passed(typed.takes_s)
            return done or self._recorded(line, typed.takes_s, lambda: refusal(self.operator, typed))[1]
        last: Ran | None = None
        results: list[CommandResult] = []
        for step in typed.steps:
            if not step.is_due(last):
                continue
            begin(self.operator, step)
            takes_s, done = self._waited(step)
            if done is not None:
                results.append(done)
                break
            shown = line if len(typed.steps) == 1 else step.item.text
            last, result = self._recorded(shown, takes_s, partial(run_step, self.operator, step))
            results.append(result)
        cost_s = sum(result.cost_s for result in results)
        return CommandResult(told([result.text for result in results]), results[-1].exit, cost_s, results[-1].n)

    def _waited(self, step: Step) -> tuple[float, CommandResult | None]:
        """Let a command take its time, and what it waits for besides; how long that was, and the drill's end."""
        took_s, done = step.takes_s, self._passed(step.takes_s)
        while done is None and (more_s := waits_s(self.operator, step)) > 0.0:
            took_s, done = took_s + more_s, self._passed(more_s)
        return took_s, done

    def _passed(self, takes_s: float) -> CommandResult | None:
        """Let a command take its time. Past the drill's end nothing is carried out; the clock simply runs out."""
        self.advance(self.now_s + takes_s)
        if self.ended is not None:
            return CommandResult("the drill ended while the command ran", 1, takes_s, 0)
        return None

    def _recorded(self, line: str, takes_s: float, carry_out: Callable[[], Ran]) -> tuple[Ran, CommandResult]:
        """Carry out one command and write down what it did."""
        incident, log = self.simulation.incident, self.simulation.log
        self.simulation.report.look(self.now_s)
        ran = carry_out()
        self.simulation.drive.arm()
        data: dict[str, JsonValue] = {
            "line": line,
            "verb": " ".join(ran.words),
            "exit": ran.exit,
            "cost_s": takes_s,
            "looked": list(ran.looked),
            "subjects": list(ran.subjects),
            "changes": ran.changes,
            "attempted": ran.attempted,
        }
        event = log.append(self.now_s, "responder", "command", data)
        output = Output(event.n, self.now_s, line, ran.text, ran.exit, takes_s, ran.subjects, ran.looked)
        incident.outputs.append(output)
        del incident.outputs[:-OUTPUTS_MAX]
        if incident.resolved and incident.postmortem:
            self._end("resolved")
        return ran, CommandResult(ran.text, ran.exit, takes_s, event.n)

    def _end(self, reason: str) -> None:
        self.simulation.incident.ended = reason
        if not self._rest_waits:
            self.pass_rest()


def _at_joining(
    drill: DrillSpec, image: Image, seed: int, mode: str, prefixes: Prefixes | None, going: Going
) -> Simulation | None:
    """The drill at the moment somebody joins, from `prefixes` where it is kept. None when `going` stopped it."""
    started: dict[str, JsonValue] = {
        "scenario": drill.scenario_id,
        "seed": seed,
        "version": version(),
        "image": image.content,
        "mode": mode,
    }
    kept = None if prefixes is None else prefixes.find(drill, image, started)
    if kept is not None:
        return kept
    simulation = Simulation(drill, image, seed)
    simulation.log.append(0.0, "session", "session.started", started)
    if not simulation.run_until_joined(going):
        return None
    if prefixes is not None:
        prefixes.keep(simulation, started)
    return simulation

"""Many nights with many players each, on several processes; what comes out does not depend on how many.

A process per night opens it and then forks one copy per task. At most `workers` of all these processes run at a time;
copies of open nights go first, so that few nights are held in memory. Longest nights begin first.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scenarios.night import Outcome, failure, fork_into, healthy_twin, open_night, opened, play_out
from simulator.drill.spec import DrillSpec, Step
from simulator.image.image import Image
from simulator.session.session import Session
from simulator.traffic.warm import warm_up

TOLD_RATIO = 0.02
"""Share of the expected night between two messages about its progress."""
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Task:
    """One copy of a night: a script to play, or, when `steps` is None, the same night with nothing broken."""

    name: str
    steps: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class NightRequest:
    """A drill, its seed, and what is to be tried on it."""

    drill: DrillSpec
    seed: int
    tasks: tuple[Task, ...]

    @property
    def expected_s(self) -> float:
        """About how many simulated seconds pass before the responder joins."""
        reviews = [person.review_at_s for person in self.drill.people if person.review_at_s is not None]
        if self.drill.joins == "complaint" and reviews:
            return min(max(reviews), self.drill.joins_by_s)
        begins = max((fault.at_s for fault in self.drill.faults if not fault.after_join), default=0.0)
        return min(begins + 3600.0, self.drill.joins_by_s)

    def to_json(self) -> dict[str, Any]:
        """Inverse of `from_json`."""
        tasks = [
            {"name": task.name, "steps": None if task.steps is None else [[s.line, s.wait_s] for s in task.steps]}
            for task in self.tasks
        ]
        return {"drill": self.drill.to_json(), "seed": self.seed, "tasks": tasks}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> NightRequest:
        """Inverse of `to_json`."""
        tasks = tuple(
            Task(item["name"], None if item["steps"] is None else tuple(Step(*step) for step in item["steps"]))
            for item in body["tasks"]
        )
        return cls(DrillSpec.from_json(body["drill"]), int(body["seed"]), tasks)


@dataclass(frozen=True, slots=True)
class Message:
    """Something about the night of that index: it went on, it is open, or a task is done.

    `task` is None for the night itself. An outcome that holds "failed" is the traceback of what went wrong. A message
    without outcome only says how far the night is, as a share 0..1.
    """

    night: int
    task: int | None
    outcome: Outcome | None
    share: float = 0.0


@dataclass(slots=True)
class _Open:
    """The scheduler's side of one night's process."""

    index: int
    pid: int
    control: int
    readers: list[int]
    """What the night says of itself, then one for each task."""
    waiting: list[int]
    left: int
    heard: dict[int, bytes] = field(default_factory=dict)
    ready: bool = False


def run_here(nights: Sequence[NightRequest], image: Image, workers: int) -> Iterator[Message]:
    """Run everything on forks of this process, which should have one thread. Order of messages is as they come."""
    warm_up()
    pending = sorted(range(len(nights)), key=lambda index: (-nights[index].expected_s, index))
    alive: dict[int, _Open] = {}
    watched = selectors.DefaultSelector()
    running = 0
    try:
        while pending or alive:
            while running < workers and (_send_waiting(alive) or _begin(nights, image, pending, alive, watched)):
                running += 1
            for key, _ in watched.select():
                night, slot = key.data
                for message in _hear(night, slot, watched):
                    running -= message.outcome is not None
                    yield message
                if night.left == 0 or (not night.ready and not night.waiting):
                    _forget(alive.pop(night.index), watched)
    finally:
        for night in alive.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(night.pid, signal.SIGKILL)
            _forget(night, watched)
        watched.close()


def _send_waiting(alive: dict[int, _Open]) -> bool:
    """Let the night that was opened first start its next task."""
    for night in alive.values():
        if night.ready and night.waiting:
            os.write(night.control, b"%d\n" % night.waiting.pop(0))
            return True
    return False


def _begin(
    nights: Sequence[NightRequest],
    image: Image,
    pending: list[int],
    alive: dict[int, _Open],
    watched: selectors.BaseSelector,
) -> bool:
    """Start the process of the next night."""
    if not pending:
        return False
    index = pending.pop(0)
    request = nights[index]
    control_reader, control = os.pipe()
    pipes = [os.pipe() for _ in range(len(request.tasks) + 1)]
    pid = os.fork()
    if pid == 0:
        ours = [control, *(reader for reader, _ in pipes)]
        theirs = [fd for night in alive.values() for fd in (night.control, *night.readers) if fd >= 0]
        _night_process(request, image, control_reader, [writer for _, writer in pipes], ours + theirs)
    with contextlib.suppress(PermissionError):  # the child has done it itself by then
        os.setpgid(pid, pid)
    os.close(control_reader)
    readers = [reader for reader, _ in pipes]
    for _, writer in pipes:
        os.close(writer)
    tasks = list(range(len(request.tasks)))
    night = alive[index] = _Open(index, pid, control, readers, tasks, len(tasks) + 1)
    for slot, reader in enumerate(readers):
        watched.register(reader, selectors.EVENT_READ, (night, slot))
    return True


def _hear(night: _Open, slot: int, watched: selectors.BaseSelector) -> list[Message]:
    """Read what one pipe holds; slot 0 is the night itself."""
    reader = night.readers[slot]
    chunk = os.read(reader, CHUNK_BYTES)
    heard = night.heard[slot] = night.heard.get(slot, b"") + chunk
    if slot == 0:
        *lines, night.heard[0] = heard.split(b"\n")
        found = [_of_night(night, json.loads(line)) for line in lines]
        if chunk or night.ready:
            return found
        if not any(message.outcome for message in found) and night.waiting:
            found.append(_of_night(night, failure("the night's process ended before it was open")))
        return found
    if chunk:
        return []
    watched.unregister(reader)
    os.close(reader)
    night.readers[slot] = -1
    if not night.ready or slot - 1 in night.waiting:
        return []
    night.left -= 1
    return [
        Message(night.index, slot - 1, json.loads(heard) if heard else failure("its process ended without a result"))
    ]


def _of_night(night: _Open, body: dict[str, Any]) -> Message:
    if "share" in body:
        return Message(night.index, None, None, body["share"])
    night.left -= 1
    night.ready = "failed" not in body
    if not night.ready:
        night.waiting.clear()
    return Message(night.index, None, body)


def _forget(night: _Open, watched: selectors.BaseSelector) -> None:
    for reader in night.readers:
        if reader >= 0:
            watched.unregister(reader)
            os.close(reader)
    os.close(night.control)
    os.waitpid(night.pid, 0)


def _night_process(request: NightRequest, image: Image, control: int, writers: list[int], foreign: list[int]) -> None:
    """What the night's process does, from its fork to its end. Never returns."""
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the copies; their pipes say when they end
        for fd in foreign:
            os.close(fd)
        report = os.fdopen(writers[0], "w", buffering=1)
        try:
            session = _opened_with_reports(request, image, report)
        except BaseException:  # noqa: BLE001  whatever it is, the scheduler must hear of it
            report.write(json.dumps(failure()) + "\n")
            return
        with os.fdopen(control) as orders:
            for order in orders:
                writer = writers[int(order) + 1]
                others = [fd for fd in writers[1:] if fd not in (writer, -1)]
                fork_into(writer, partial(_task, session, request, request.tasks[int(order)], others))
                os.close(writer)
                writers[int(order) + 1] = -1
    finally:
        os._exit(0)


def _opened_with_reports(request: NightRequest, image: Image, report: Any) -> Session:
    told = [0.0]

    def tell(now_s: float) -> None:
        share = min(0.99, now_s / request.expected_s) if request.expected_s else 0.0
        if share - told[0] >= TOLD_RATIO:
            told[0] = share
            report.write(json.dumps({"share": share}) + "\n")

    session = open_night(request.drill, image, request.seed, tell)
    report.write(json.dumps(opened(session)) + "\n")
    return session


def _task(session: Session, request: NightRequest, task: Task, others: list[int]) -> Outcome:
    for fd in others:
        os.close(fd)
    if task.steps is not None:
        return play_out(session, task.steps)
    until_s = session.joined_s + request.drill.drill_s
    return healthy_twin(request.drill, session.image, request.seed, until_s)

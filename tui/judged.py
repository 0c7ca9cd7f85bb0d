"""What this program makes of a run file: scored from its events by the rubric of today, never taken from its footer.

Reading and scoring a run takes a while, so the outcome is remembered in the data folder under the digest of the file's
content and of everything that judges it. Checks by replay are remembered there too, under the digest of the content.
The memory is as trustworthy as the folder it is in; delete it, and everything is judged and checked anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from reference_platform.errors import ContentError

State = Literal["finished", "unfinished", "damaged"]
Origin = Literal["library", "altered", "own"]
Check = Literal["verified", "verified on another machine", "contradicted"]

MEMORY = "judged.json"
MEMORY_MAX_BYTES = 64 << 20
CHECKS_MAX = 10_000
JUDGES = (
    "reference_platform/documents.py",
    "reference_platform/durations.py",
    "reference_platform/spec.py",
    "rubrics",
    "scenarios",
    "simulator/engine/events.py",
    "simulator/engine/streams.py",
    "simulator/drill/spec.py",
    "simulator/session/runfile.py",
    "tui/judged.py",
)
"""What decides about an outcome; an outcome that another edition of these has made is not used."""
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Judged:
    """A run file as this program understands it.

    `origin` tells the drill in the file from the library's: the same, another under its id or under an id that is not
    its own, or no drill of the library. `problem` says what is wrong with a damaged file; verdict and score are there
    when it is finished.
    """

    scenario_id: str
    seed: int
    player: str
    kind: str
    mode: str
    forked_from: str
    state: State
    origin: Origin
    problem: str
    verdict: str
    score: float | None
    content: str
    """SHA-256 of the file."""

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Judged:
        """Inverse of `asdict`. Raises KeyError, TypeError or ValueError on anything else."""
        values = {item.name: body[item.name] for item in fields(cls)}
        texts = [
            values[name] for name in ("scenario_id", "player", "kind", "mode", "forked_from", "problem", "content")
        ]
        if not all(isinstance(text, str) for text in (*texts, values["verdict"])) or type(values["seed"]) is not int:
            raise TypeError("not an outcome")
        if values["state"] not in get_args(State) or values["origin"] not in get_args(Origin):
            raise ValueError("not an outcome")
        if values["score"] is not None:
            values["score"] = float(values["score"])
        return cls(**values)


def judge(path: Path) -> Judged | None:
    """Read and score the run at `path`; None when it is no run at all."""
    from simulator.session.runfile import player_kind, read_header, read_run

    try:
        content = content_of(path)
        header = read_header(path)
    except (OSError, ContentError):
        return None
    state: State = "unfinished"
    problem, verdict, score = "", "", None
    try:
        run = read_run(path)
        if run.footer is not None:
            state = "finished"
            verdict, score = _scored(run.events)
    except ContentError as error:
        state, problem = "damaged", ": ".join(part for part in (error.what, error.why) if part)
    return Judged(
        scenario_id=header["scenario"],
        seed=header["seed"],
        player=header["player"],
        kind=player_kind(header),
        mode=header["mode"],
        forked_from=_forked_from(header),
        state=state,
        origin=_origin(header),
        problem=problem,
        verdict=verdict,
        score=score,
        content=content,
    )


def _forked_from(header: Mapping[str, Any]) -> str:
    """The run a fork says it is of, "?" when it does not say, "" for no fork. The key marks it, whatever its value."""
    if "fork" not in header:
        return ""
    fork = header["fork"]
    return str(fork.get("run") or "?") if isinstance(fork, dict) else "?"


def _scored(events: Any) -> tuple[str, float]:
    from rubrics.loader import incident_rubric
    from rubrics.scoring import score

    with scoring():
        card = score(events, incident_rubric())
    return card.verdict, card.score


@contextmanager
def scoring(where: str = "") -> Iterator[None]:
    """While the events of a file are scored: they may be anybody's, so what they upset is the file's fault."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        fix = "run it again: pagerdrill replay RUN"
        raise ContentError("the events are not those of a run", where=where, why=repr(error)[:200], fix=fix) from None


def content_of(path: Path) -> str:
    """SHA-256 of the file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _origin(header: Mapping[str, Any]) -> Origin:
    if header["drill"].get("scenario_id") != header["scenario"]:
        return "altered"
    ours = library_drill(header["scenario"], header["seed"])
    if ours is None:
        return "own"
    return "library" if drill_digest(header["drill"]) == ours else "altered"


def drill_digest(body: Mapping[str, Any]) -> str:
    """What a drill is, whatever file it was read from."""
    kept = {key: value for key, value in body.items() if key not in ("source_name", "source_text")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@cache
def library_drill(scenario_id: str, seed: int) -> str | None:
    """The digest of the library's drill of that id; None when there is none, or none that this seed makes a drill."""
    from reference_platform.errors import PagerDrillError
    from scenarios.compile import to_drill
    from scenarios.library import entries
    from scenarios.loader import load_scenario

    if seed < 0 or scenario_id not in {entry.scenario_id for entry in entries()}:
        return None
    try:
        return drill_digest(to_drill(load_scenario(scenario_id), seed).to_json())
    except PagerDrillError:
        return None


@cache
def judges() -> str:
    """SHA-256 over everything that decides about an outcome."""
    digest = hashlib.sha256()
    for name in JUDGES:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(path.rglob("*.py")) + sorted(path.rglob("*.yaml"))
        for file in files:
            digest.update(f"\0{file.relative_to(ROOT).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


class Memory:
    """Outcomes and checks kept in a folder. A folder that cannot be read or written only costs time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outcomes: dict[str, dict[str, Any]] = {}
        self._checks: dict[str, str] = {}
        self._changed = False
        body = _read(folder / MEMORY)
        if body.get("judges") == judges():
            self._outcomes = {k: v for k, v in _objects(body.get("outcomes")).items() if isinstance(v, dict)}
        self._checks = _checks(body)

    def outcome(self, path: Path) -> Judged | None:
        """What is known of the file as it is now."""
        known = self._outcomes.get(str(path))
        try:
            if known is None or known["stat"] != _stat(path):
                return None
            return Judged.from_json(known["judged"])
        except (OSError, KeyError, TypeError, ValueError):
            return None

    def keep(self, path: Path, judged: Judged, stat: list[int]) -> None:
        """Remember an outcome of the file that was `stat` before it was read."""
        self._outcomes[str(path)] = {"stat": stat, "judged": asdict(judged)}
        self._changed = True

    def check(self, content: str) -> Check | None:
        """What a replay of a file with that content found."""
        found = self._checks.get(content)
        return next((check for check in get_args(Check) if check == found), None)

    def keep_check(self, content: str, check: Check) -> None:
        """Remember what a replay found."""
        self._checks.pop(content, None)
        self._checks[content] = check
        self._changed = True

    def save(self) -> None:
        """Write what is new, beside what another program has written in the meantime."""
        if not self._changed:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / f"{MEMORY}.lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                checks = {**_checks(_read(self._folder / MEMORY)), **self._checks}
                outcomes = {name: kept for name, kept in self._outcomes.items() if os.path.lexists(name)}
                body = {
                    "judges": judges(),
                    "outcomes": outcomes,
                    "checks": dict(list(checks.items())[-CHECKS_MAX:]),
                }
                fresh = self._folder / f"{MEMORY}.new"
                fresh.write_text(json.dumps(body), encoding="utf-8")
                fresh.replace(self._folder / MEMORY)
        self._changed = False


def stat_of(path: Path) -> list[int] | None:
    """What changes whenever a file is written, in whatever way; None when there is no such file."""
    try:
        return _stat(path)
    except OSError:
        return None


def _stat(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MEMORY_MAX_BYTES:
            return {}
        return _objects(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}


def _objects(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


def _checks(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in _objects(body.get("checks")).items() if isinstance(value, str)}

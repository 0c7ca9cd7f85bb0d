"""A killed run goes on as if nothing had happened; a fork is the same night up to its moment."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform.errors import ConfigError, ContentError
from simulator.image.builder import ensure_image
from simulator.session.runfile import RunWriter, read_run
from tests.unit.simulator.session.nights import NIGHT, finished_run, opening, to_end, type_by_clock, writer_for
from tui.live_drill import ForkedDrill, LiveDrill, ResumedDrill
from tui.places import NewRun
from tui.recorded import finish, repeat, replayed

ROOT = Path(__file__).parents[4]

KILLED = """\
import os, signal, sys
from pathlib import Path
from simulator.session import runfile
from tests.unit.simulator.session.nights import joined, opening, to_end, type_by_clock, writer_for
from tui.places import NewRun
from tui.recorded import finish

path, kill_at_write, kept_ratio = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

class Stream:
    def __init__(self, stream):
        self.stream, self.writes = stream, 0
    def __getattr__(self, name):
        return getattr(self.stream, name)
    def write(self, body):
        self.writes += 1
        if self.writes == kill_at_write:
            self.stream.write(bytes(body)[: int(len(body) * kept_ratio)])
            os.kill(os.getpid(), signal.SIGKILL)
        return self.stream.write(body)

of = opening()
writer = writer_for(of, path)
writer._stream = Stream(writer._stream)
session = joined(of)
session.attach(writer)
type_by_clock(session)
to_end(session)
finish(session, 1.0)
"""


def killed_run(path: Path, at_write: int, kept_ratio: float) -> None:
    """Play a night in a process of its own that is killed during its n-th write, with that share of it on disk."""
    command = [sys.executable, "-c", KILLED, str(path), str(at_write), str(kept_ratio)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    ("at_write", "kept_ratio", "commands"),
    [
        pytest.param(1, 0.0, 0, id="before the first command is on disk"),
        pytest.param(4, 0.5, 3, id="in the middle of a command's line"),
        pytest.param(4, 1.0, 4, id="between a command's line and its effect"),
        pytest.param(10, 0.99, 9, id="one byte before the newline"),
        pytest.param(11, 0.5, 10, id="in the middle of the ending"),
        pytest.param(11, 0.9999, 10, id="in the middle of the footer"),
    ],
)
def test_a_killed_run_goes_on_to_the_digest_of_one_that_was_not(
    whole_run: Path, tmp_path: Path, at_write: int, kept_ratio: float, commands: int
) -> None:
    path = tmp_path / "run.jsonl"
    killed_run(path, at_write, kept_ratio)
    run = read_run(path)
    assert run.footer is None
    assert [entered.line for entered in run.commands] == [line for _, line in NIGHT[:commands]]

    session = repeat(run, ensure_image(), lambda *_: None)
    session.attach(RunWriter.append_to(run))
    type_by_clock(session, NIGHT[commands:])
    to_end(session)
    finish(session, 1.0)

    whole, resumed = read_run(whole_run), read_run(path)
    assert whole.footer is not None
    assert resumed.footer is not None
    assert resumed.footer["digest"] == whole.footer["digest"]
    assert resumed.commands == whole.commands
    assert replayed(path, ensure_image(), lambda *_: None).ended == "timeout"


def test_what_was_cut_off_is_gone_before_the_next_command(whole_run: Path, tmp_path: Path) -> None:
    """Otherwise a second kill would leave the new commands in front of the old ending."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(whole_run.read_bytes()[:-5])
    run = read_run(path)
    writer = RunWriter.append_to(run)
    writer.command("note on", 10**13)
    writer.close()
    again = read_run(path)
    assert again.events == ()
    assert [entered.line for entered in again.commands] == [*(line for _, line in NIGHT), "note on"]


def test_a_run_has_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = writer_for(opening(), path)
    with pytest.raises(ConfigError, match="played elsewhere"):
        RunWriter.append_to(read_run(path))
    writer.close()
    RunWriter.append_to(read_run(path)).close()


def test_a_fork_equals_the_original_up_to_its_moment_and_goes_its_own_way_after(
    whole_run: Path, tmp_path: Path
) -> None:
    original = read_run(whole_run)
    drill = ForkedDrill(original, 300.0, NewRun(tmp_path, "fork"))
    session = drill.start(lambda *_: None)
    assert session.now_s == session.joined_s + 300.0
    upto = len(session.simulation.log)
    assert upto > 50
    shared = [event.line() for event in session.simulation.log]
    assert shared == [event.line() for event in original.events[:upto]]
    assert original.events[upto].t_s > session.now_s

    session.submit("note the fork")
    digest = to_end(session)
    finish(session, 1.0)
    assert original.footer is not None
    assert digest != original.footer["digest"]
    fork = read_run(tmp_path / "fork-001.jsonl")
    typed = [entered for entered in original.commands if entered.t_us / 1e6 <= session.joined_s + 300.0]
    assert list(fork.commands[:-1]) == typed
    assert fork.commands[-1].line == "note the fork"
    assert replayed(fork.path, ensure_image(), lambda *_: None).simulation.log.digest() == digest


@pytest.mark.parametrize(
    ("at_s", "kept"),
    [
        pytest.param(29.999999, 1, id="just before a command"),
        pytest.param(30.0, 2, id="exactly at it"),
        pytest.param(30.000001, 2, id="just after"),
        pytest.param(0.0, 0, id="at the moment of joining"),
        pytest.param(420.0, 9, id="while the command before is still running"),
        pytest.param(425.0, 10, id="at the last command"),
    ],
)
def test_a_fork_has_the_commands_up_to_its_moment_and_says_whose_they_are(
    whole_run: Path, tmp_path: Path, at_s: float, kept: int
) -> None:
    session = ForkedDrill(read_run(whole_run), at_s, NewRun(tmp_path, "fork")).start(lambda *_: None)
    original, fork = read_run(whole_run), read_run(tmp_path / "fork-001.jsonl")
    assert fork.commands == original.commands[:kept]
    assert [event.data["line"] for event in session.simulation.log if event.kind == "command"] == [
        entered.line for entered in original.commands[:kept]
    ]
    assert session.now_s >= session.joined_s + at_s
    header = fork.header
    assert header["fork"] == {"run": "run", "player": "test", "at_s": at_s, "commands": kept}
    assert (header["player"], header["kind"]) == ("human", "person")
    assert {key: header[key] for key in ("scenario", "seed", "mode", "drill", "image")} == {
        key: original.header[key] for key in ("scenario", "seed", "mode", "drill", "image")
    }
    session.close()
    unfinished = ResumedDrill(fork)
    again = unfinished.start(lambda *_: None)
    assert [event.line() for event in again.simulation.log][: len(session.simulation.log)] == [
        event.line() for event in session.simulation.log
    ]
    again.close()


def test_claims_of_a_fork_are_its_own_and_those_after_the_moment_are_not_in_it(tmp_path: Path) -> None:
    claims = ("resolve traffic:traffic_spike more than ever", "resolve traffic:seasonal_dip as last Monday")
    steps = ((60.0, "ack"), (120.0, claims[0]), (300.0, "resolve gateway:config_error it was the limit"))
    original = read_run(finished_run(tmp_path / "run.jsonl", steps))
    for at_s, shared in ((119.0, []), (120.0, ["traffic_spike"])):
        drill = ForkedDrill(original, at_s, NewRun(tmp_path, f"fork-{at_s:.0f}"))
        session = drill.start(lambda *_: None)
        session.submit(claims[1])
        claimed = [event for event in session.simulation.log if event.kind == "resolve.claimed"]
        assert [event.data["mechanism"] for event in claimed] == [*shared, "seasonal_dip"]
        assert [event.n for event in session.simulation.log] == list(range(1, len(session.simulation.log) + 1))
        joins = [event for event in session.simulation.log if event.kind == "session.joined"]
        assert len(joins) == 1
        session.close()


def test_a_run_that_is_being_played_is_not_resumed(tmp_path: Path) -> None:
    writer = writer_for(opening(), tmp_path / "run.jsonl")
    with pytest.raises(ConfigError, match="played elsewhere"):
        ResumedDrill(read_run(tmp_path / "run.jsonl")).start(lambda *_: None)
    writer.command("ack", 10**13)
    writer.close()
    assert len(read_run(tmp_path / "run.jsonl").commands) == 1


def test_while_a_run_is_being_repeated_nobody_else_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer_for(opening(), path).close()
    refused: list[str] = []

    def meddle(doing: str, _: float) -> None:
        if doing == "you are paged":
            with pytest.raises(ConfigError, match="played elsewhere") as caught:
                RunWriter.append_to(read_run(path))
            refused.append(caught.value.where)

    ResumedDrill(read_run(path)).start(meddle).close()
    assert refused == [str(path)]
    RunWriter.append_to(read_run(path)).close()


def test_a_start_that_fails_lets_go_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tui.recorded.open_session", stopped)
    with pytest.raises(KeyboardInterrupt):
        LiveDrill(opening(), NewRun(tmp_path, "run")).start(lambda *_: None)
    run = read_run(tmp_path / "run-001.jsonl")
    with pytest.raises(KeyboardInterrupt):
        ResumedDrill(run).start(lambda *_: None)
    RunWriter.append_to(run).close()


def test_a_run_that_could_not_be_finished_is_debriefed_and_can_be_finished_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up while the ending is written."""
    told: list[str] = []
    drill = LiveDrill(opening(), NewRun(tmp_path, "run"))
    session = drill.start(lambda *_: None)
    session.submit("ack")
    session.advance(float("inf"))
    with monkeypatch.context() as patch:
        patch.setattr("simulator.session.runfile.os.fsync", _no_room)
        view = drill.debrief(session, lambda doing, _: told.append(doing))
    session.close()
    assert view.verdict
    assert view.run_path == f"{tmp_path / 'run-001.jsonl'} (unfinished: No space left on device)"
    assert any("cannot write the run file: No space left on device" in doing for doing in told)
    run = read_run(tmp_path / "run-001.jsonl")
    assert ([entered.line for entered in run.commands], run.events, run.footer) == (["ack"], (), None)

    later = ResumedDrill(run)
    again = later.start(lambda *_: None)
    again.advance(float("inf"))
    assert later.debrief(again, lambda *_: None).run_path == str(run.path)
    again.close()
    assert (read_run(run.path).footer or {})["digest"] == session.simulation.log.digest()


def _no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_fork_after_the_end_is_refused_and_leaves_no_file(whole_run: Path, tmp_path: Path) -> None:
    drill = ForkedDrill(read_run(whole_run), 7200.0, NewRun(tmp_path, "fork"))
    with pytest.raises(ContentError, match="over at that moment"):
        drill.start(lambda *_: None)
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import io
import json
import subprocess
import sys

from reference_platform.errors import ContentError
from tests.tui.fake_session import JOINED_S, FakeDrill, FakeSession
from tests.tui.screen_text import FakeClock, enter_room, typed, until
from tui.app import DrillApp
from tui.plain import run_plain

SCRIPT = ("ack 1", "kubectl get pods", "wait 30s", "note all three routes", "next", "wat", "next", "resolve x")


def _run(text: str, session: FakeSession, **choices: bool) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run_plain(FakeDrill(session), io.StringIO(text), out, err, **choices)
    return code, out.getvalue(), err.getvalue()


def test_one_fact_a_line_with_its_kind_first() -> None:
    code, out, err = _run("\n".join(SCRIPT) + "\n", FakeSession())
    lines = out.split("\n# Debrief")[0].splitlines()
    kinds = {line.split(" ", 1)[0] for line in lines if line}
    assert kinds == {"ALERT", "PAGE", "COMMS", "SLO", "MAP", "DEPLOY", "HYP", "OUT", "EXIT", "CLOCK", "END"}
    assert "ALERT T-01:00 #1 P1 firing GatewayErrorBudgetBurn: burn 22x > 14.4x for 5 min" in lines
    assert code == 0
    assert "Judged" in err
    assert "# Debrief" in out


def test_time_moves_only_by_what_is_typed() -> None:
    session = FakeSession()
    _run("wait 30s\nack 1\npause\nspeed 10\n\n", session)
    assert session.lines == [(JOINED_S + 30, "ack 1")]
    assert session.now_s == JOINED_S + 32


def test_out_of_input_leaves_a_run_that_can_be_resumed() -> None:
    session = FakeSession()
    code, _, err = _run("ack 1\n", session)
    assert code == 130
    assert session.closed
    assert "pagerdrill resume run-7" in err


def test_json_gives_one_object_a_line() -> None:
    _, out, _ = _run("ack 1\nresolve x\n", FakeSession(), as_json=True)
    bodies = [json.loads(line) for line in out.splitlines()]
    assert bodies[-1]["verdict"] == "lean"
    assert {"fact", "t_s", "text"} <= set(bodies[0])


def test_a_refused_command_is_narrated_and_play_goes_on() -> None:
    session = FakeSession()
    _, _, err = _run("refuse\nack 1\n", session)
    assert "no space left on the device" in err
    assert session.lines[-1][1] == "ack 1"


def test_a_drill_that_cannot_start_ends_with_2() -> None:
    drill = FakeDrill()
    drill.failure = ContentError("unknown fault", where="x.yaml:3:5")
    err = io.StringIO()
    assert run_plain(drill, io.StringIO(), io.StringIO(), err) == 2
    assert "x.yaml:3:5: unknown fault" in err.getvalue()


async def test_plain_mode_and_the_room_submit_the_same_lines_at_the_same_instants() -> None:
    plain = FakeSession()
    _run("\n".join(SCRIPT) + "\n", plain)
    session = FakeSession()
    app = DrillApp(FakeDrill(session), clock=FakeClock())
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        room.pump.set_paused(True)
        for line in SCRIPT:
            await typed(pilot, line)
            await pilot.press("enter")
            await until(pilot, lambda: not room.pump.seeking)
    assert session.lines == plain.lines
    assert session.now_s == plain.now_s


def test_importing_the_app_loads_nothing_heavy() -> None:
    heavy = ("numpy", "torch", "simpy", "mlflow", "pandas", "simulator.session")
    code = f"import sys, tui.app; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

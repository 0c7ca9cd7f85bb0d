from __future__ import annotations

from tests.tui.fake_session import JOINED_S, FakeSession
from tests.tui.screen_text import FakeClock
from tui.present.pump import Pump, seek_all


def test_simulated_time_is_wall_time_times_speed() -> None:
    clock, session = FakeClock(), FakeSession()
    pump = Pump(session, clock, interview=False)
    pump.set_speed(10)
    for _ in range(8):
        clock.now_s += 0.125
        assert pump.tick()
    assert session.now_s == JOINED_S + 10.0


def test_paused_time_is_not_owed() -> None:
    clock, session = FakeClock(), FakeSession()
    pump = Pump(session, clock, interview=False)
    pump.set_paused(True)
    clock.now_s += 60
    assert not pump.tick()
    pump.set_paused(False)
    clock.now_s += 0.1
    pump.tick()
    assert session.now_s < JOINED_S + 0.2


def test_a_simulation_that_cannot_keep_up_shows_the_speed_it_reaches_and_owes_nothing() -> None:
    clock, session = FakeClock(), FakeSession(sim_s_per_advance=0.8)
    pump = Pump(session, clock, interview=False)
    pump.set_speed(10)
    for _ in range(16):
        clock.now_s += 0.125
        pump.tick()
    assert pump.state.effective is not None
    assert 6.0 < pump.state.effective < 7.0
    session.most_s = 1e9
    before_s = session.now_s
    clock.now_s += 0.125
    pump.tick()
    assert session.now_s - before_s < 1.3
    assert pump.state.effective is None


def test_a_long_stall_of_the_terminal_does_not_jump_the_clock() -> None:
    clock, session = FakeClock(), FakeSession()
    pump = Pump(session, clock, interview=False)
    clock.now_s += 3600
    pump.tick()
    assert session.now_s <= JOINED_S + 0.5


def test_interview_rules_forbid_pause_speed_and_forward() -> None:
    clock, session = FakeClock(), FakeSession("interview")
    pump = Pump(session, clock, interview=True)
    assert pump.set_paused(True)
    assert pump.set_speed(5)
    assert pump.shift_speed(1)
    assert pump.seek(60, stop_at_event=True)
    assert not pump.set_speed(1)
    assert (pump.paused, pump.speed, pump.seeking) == (False, 1, False)


def test_next_stops_at_the_first_event_and_at_ten_minutes_at_the_latest() -> None:
    clock, session = FakeClock(), FakeSession()
    pump = Pump(session, clock, interview=False)
    pump.set_paused(True)
    pump.seek(600, stop_at_event=True)
    while pump.seeking:
        pump.tick()
    assert session.now_s == JOINED_S + 125
    session.advance(JOINED_S + 905)
    pump.resync()
    pump.seek(600, stop_at_event=True)
    while pump.seeking:
        pump.tick()
    assert session.now_s == JOINED_S + 1505


def test_the_pump_and_the_unhurried_seek_stop_at_the_same_instants() -> None:
    clock, slow, fast = FakeClock(), FakeSession(sim_s_per_advance=1.7), FakeSession()
    pump = Pump(slow, clock, interview=False)
    for stop in (True, True, False):
        pump.seek(300, stop_at_event=stop)
        while pump.seeking:
            pump.tick()
        seek_all(fast, fast.now_s + 300, stop_at_event=stop)
        assert abs(slow.now_s - fast.now_s) < 1e-6

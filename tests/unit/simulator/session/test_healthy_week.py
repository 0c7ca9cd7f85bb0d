"""A recorded week is like the week itself, and is recorded once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reference_platform.monitoring.series import SeriesStore
from simulator.drill.spec import DrillSpec
from simulator.image.builder import ensure_image
from simulator.session import healthy_week, week_cache
from simulator.session.healthy_week import FLOWING, MINUTES, Week, flows, is_measured, record
from simulator.session.simulation import Simulation
from simulator.session.week_cache import healthy_store, week_id, weeks_dir
from tests.unit.simulator.session.nights import OOM, QUIET, opening

HOURS = 6


@pytest.fixture(scope="module")
def quiet() -> DrillSpec:
    return opening(QUIET).drill


@pytest.fixture(scope="module")
def told() -> list[float]:
    """Shares of the short week that had passed whenever its recording told."""
    return []


@pytest.fixture(scope="module")
def short_week(quiet: DrillSpec, told: list[float]) -> Iterator[Week]:
    """The first hours of a week."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(healthy_week, "MINUTES", HOURS * 60)
        yield record(quiet, ensure_image(), lambda share, _: told.append(share))


@pytest.fixture(scope="module")
def real(quiet: DrillSpec) -> SeriesStore:
    """The same hours in full."""
    platform = quiet.platform.model_copy(update={"alerts": []})
    healthy = replace(quiet, faults=(), people=(), calendar_offset_s=0.0, platform=platform)
    simulation = Simulation(healthy, ensure_image(), 0)
    simulation.advance(HOURS * 3600.0, lambda: True)
    return simulation.plant.store


def test_requests_flow_for_as_long_in_every_hour_and_at_other_minutes() -> None:
    hours = [[minute for minute in range(60) if flows(hour * 60 + minute)] for hour in range(MINUTES // 60)]
    assert all(minutes == list(range(minutes[0], minutes[0] + FLOWING)) for minutes in hours)
    assert len({minutes[0] for minutes in hours}) == 60 - FLOWING
    for reading in range(1, MINUTES):
        if is_measured(reading):
            assert flows(reading)
            assert flows(reading - 1)
            assert flows(reading - 2), "a minute for the caches"


def test_a_recording_tells_before_every_hour_what_share_has_passed(short_week: Week, told: list[float]) -> None:
    assert len(short_week.times_s) == HOURS * 60
    assert told == pytest.approx([hour / HOURS for hour in range(HOURS)])


def test_a_week_has_every_series_of_the_platform(short_week: Week, real: SeriesStore) -> None:
    known = {(name, series.labels) for name in real.names() for series in real.select(name)}
    assert set(short_week.series) == known
    assert short_week.times_s[0] == 15.0
    assert set(np.diff(short_week.times_s).tolist()) == {60.0}


def test_counters_grow_as_fast_as_in_the_week_itself(short_week: Week, real: SeriesStore) -> None:
    """Hour by hour; one that requests move and that was not known as such would stand still most of the time."""
    hourly = range(60, HOURS * 60, 60)
    for name in real.names():
        for series in real.select(name) if name.endswith("_total") else ():
            row = short_week.series[name, series.labels]
            for end in hourly:
                grown = row[end] - row[end - 60]
                begin_s, end_s = short_week.times_s[end - 60], short_week.times_s[end]
                before, after = (series.value_at(at_s, 3600.0) for at_s in (begin_s, end_s))
                assert before is not None
                assert after is not None
                assert grown == pytest.approx(after - before, rel=0.25, abs=120.0), f"{name}{series.labels} at {end}"


def test_gauges_lie_where_those_of_the_week_lie(short_week: Week, real: SeriesStore) -> None:
    for name in real.names():
        if name.endswith("_total") or name.startswith("feature_psi"):
            continue
        for series in real.select(name):
            row = short_week.series[name, series.labels]
            values = series.values[series.times_s > 0.0]
            ours, theirs = np.nanmedian(row), np.nanmedian(values)
            low, high = np.nanquantile(values, (0.01, 0.99))
            assert low - 0.2 * abs(low) - 1e-9 <= ours <= high + 0.2 * abs(high) + 1e-9, f"{name}{series.labels}"
            assert math.isfinite(ours) == math.isfinite(theirs)


def test_what_requests_do_not_move_is_as_it_was_at_every_minute(short_week: Week, real: SeriesStore) -> None:
    for name in ("feature_age_seconds", "ingest_event_age_seconds", "ingest_lag_records", "ingest_events_total"):
        for series in real.select(name):
            row = short_week.series[name, series.labels]
            for t_s, value in zip(short_week.times_s.tolist(), row.tolist(), strict=True):
                if not math.isnan(value):
                    assert value == pytest.approx(series.value_at(t_s, 61.0), abs=1e-6), f"{name}{series.labels} {t_s}"


def test_a_week_knows_the_weeks_before(short_week: Week) -> None:
    store = short_week.store(["shop_responses_total"])
    (series,) = (item for item in store.select("shop_responses_total") if dict(item.labels) == MODEL)
    assert series.times_s[0] < -7.9 * 86400.0
    assert (np.diff(series.times_s) > 0.0).all()
    assert (np.diff(series.values) >= 0.0).all()


MODEL = {"route": "fraud-detection", "source": "model"}


# -- kept on disk ---------------------------------------------------------------------------------------------------


def small_week() -> Week:
    times_s = np.array([15.0, 75.0, 135.0])
    labels = (("route", "a"),)
    series = {
        ("up", labels): np.array([1.0, np.nan, 0.0]),
        ("up", ()): np.array([1.0, 2.0, 3.0]),
        ("other", ()): np.array([np.nan, 5.0, 6.0]),
    }
    return Week(times_s, series, {("up", labels): (np.array([-60.0]), np.array([7.0]))})


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the drills for which a week was recorded, in a cache of its own."""
    monkeypatch.setenv("PAGERDRILL_CACHE_DIR", str(tmp_path))
    names: list[str] = []

    def fake(drill: DrillSpec, *_: object) -> Week:
        names.append(drill.scenario_id)
        return small_week()

    monkeypatch.setattr(week_cache, "record", fake)
    return names


def points(store: SeriesStore, name: str) -> dict[str, list[tuple[float, float]]]:
    return {
        str(dict(series.labels)): list(zip(series.times_s.tolist(), series.values.tolist(), strict=True))
        for series in store.select(name)
    }


def ask(drill: DrillSpec, *names: str) -> SeriesStore:
    return healthy_store(drill, ensure_image(), names, lambda *_: None)


def test_a_week_is_recorded_once_and_read_as_it_was(quiet: DrillSpec, recorded: list[str]) -> None:
    first, second = ask(quiet, "up", "unknown"), ask(quiet, "up", "unknown")
    assert recorded == [QUIET]
    assert first.names() == second.names() == ["up"]
    told = points(second, "up")
    assert told["{}"] == [(15.0, 1.0), (75.0, 2.0), (135.0, 3.0)]
    gone, back = told["{'route': 'a'}"][2], told["{'route': 'a'}"][3]
    assert told["{'route': 'a'}"][:2] == [(-60.0, 7.0), (15.0, 1.0)]
    assert (gone[0], math.isnan(gone[1]), back) == (75.0, True, (135.0, 0.0))
    assert points(ask(quiet, "other"), "other") == {"{}": [(75.0, 5.0), (135.0, 6.0)]}
    assert recorded == [QUIET]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a week", b"\x00" * 1000])
def test_a_damaged_week_is_recorded_again(quiet: DrillSpec, recorded: list[str], damage: bytes) -> None:
    ask(quiet, "up")
    (file,) = weeks_dir().glob("*.npz")
    file.write_bytes(damage)
    assert points(ask(quiet, "up"), "up")["{}"][0] == (15.0, 1.0)
    assert len(recorded) == 2
    ask(quiet, "up")
    assert len(recorded) == 2


def test_a_week_cut_off_anywhere_is_recorded_again(quiet: DrillSpec, recorded: list[str]) -> None:
    ask(quiet, "up", "other")
    (file,) = weeks_dir().glob("*.npz")
    body = file.read_bytes()
    for cut in range(0, len(body), 97):
        file.write_bytes(body[:cut])
        assert points(ask(quiet, "up"), "up")["{}"][-1] == (135.0, 3.0)


def test_a_folder_that_takes_no_week_costs_only_time(
    quiet: DrillSpec, recorded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PAGERDRILL_CACHE_DIR", str(tmp_path / "file"))
    assert points(ask(quiet, "up"), "up")["{}"][0] == (15.0, 1.0)
    ask(quiet, "up")
    assert len(recorded) == 2


def test_only_the_weeks_recorded_last_are_kept(
    quiet: DrillSpec, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_cache, "WEEKS_KEPT", 2)
    for number in range(4):
        monkeypatch.setattr(week_cache, "edition", lambda _, number=number: str(number))
        ask(quiet, "up")
    assert len(list(weeks_dir().glob("*.npz"))) == 2
    ask(quiet, "up")
    assert len(recorded) == 4


def test_a_week_belongs_to_its_platform_and_to_this_edition(quiet: DrillSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    image = ensure_image()
    known = week_id(quiet, image)
    others = replace(quiet, platform=quiet.platform.model_copy(update={"alerts": []}), faults=(), scenario_id="x")
    assert week_id(others, image) == known, "alert rules move nothing"
    assert week_id(opening(OOM).drill, image) == known, "the same platform under another drill"
    traffic = quiet.platform.traffic.model_copy(update={"requests_per_s": 301.0})
    busier = replace(quiet, platform=quiet.platform.model_copy(update={"traffic": traffic}))
    assert week_id(busier, image) != known
    monkeypatch.setattr(week_cache, "edition", lambda _: "another")
    assert week_id(quiet, image) != known

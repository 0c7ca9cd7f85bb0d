"""Features at the prompt: a stalled job can be found, unstuck and backfilled, and a sound one cannot be broken."""

from __future__ import annotations

import pytest

from tests.unit.simulator.shell.desk import STALE, Desk

VIEW = "customer_activity"


@pytest.fixture
def healthy() -> Desk:
    return Desk(STALE, 2 * 3_600.0)


@pytest.fixture
def stalled() -> Desk:
    """Two hours after the run died."""
    return Desk(STALE, 8 * 3_600.0)


def test_status_shows_age_and_never_judges(stalled: Desk) -> None:
    ran = stalled.type("features status")
    row = next(line for line in ran.text.splitlines() if line.startswith(VIEW))
    assert "RUNNING" in row
    assert "1h59m" in row or "2h" in row
    assert "stall" not in ran.text
    assert "lock" not in ran.text
    assert {"materializer", "recommendation"} <= set(ran.subjects)
    assert {"features", "upstream", "jobs"} == set(ran.looked)


def test_locks_and_jobs_together_show_the_dead_run(stalled: Desk) -> None:
    owner = stalled.op.plant.materializer.locks.row(VIEW)
    assert owner is not None
    assert owner.owner in stalled.type("features locks").text
    assert stalled.op.plant.materializer.job(VIEW).status(stalled.op.now_s).run != owner.owner
    assert owner.owner not in stalled.type(f"features jobs | grep {VIEW}").text
    assert "waits for the lock" in stalled.type(f"features materialize {VIEW}").text


def test_restarting_the_job_leaves_the_lock(stalled: Desk) -> None:
    assert stalled.type(f"features restart {VIEW}").exit == 0
    assert stalled.events("changed")[-1]["action"] == "restart_job"
    stalled.wait(600.0)
    assert stalled.op.plant.materializer.job(VIEW).status(stalled.op.now_s).detail == "waiting for lock"


def test_unlocking_lets_the_job_catch_up(stalled: Desk) -> None:
    stalled.submit(f"features unlock {VIEW}")
    changed = stalled.events("changed")[-1]
    assert (changed["action"], changed["component"]) == ("unlock", "materializer")
    stalled.submit(f"features materialize {VIEW} --backfill 12h")
    assert stalled.events("changed")[-1]["action"] == "backfill"
    stalled.wait(600.0)
    view = next(view for view in stalled.op.plant.views if view.name == VIEW)
    assert stalled.op.plant.materializer.job(VIEW).age_s(stalled.op.now_s) <= view.freshness_sla_s
    assert "0 of" in stalled.type(f"features show {VIEW}").text


def test_the_lock_of_somebody_else_is_not_taken_by_mistake(stalled: Desk) -> None:
    assert stalled.type(f"features unlock {VIEW} --owner run-99").exit == 1
    assert stalled.op.plant.materializer.locks.row(VIEW) is not None


def test_a_live_run_keeps_its_lock(healthy: Desk) -> None:
    job = healthy.op.plant.materializer.job(VIEW)
    healthy.op.plant.materializer.locks.take(VIEW, job.status(healthy.op.now_s).run, healthy.op.now_s)
    ran = healthy.type(f"features unlock {VIEW}")
    assert ran.exit == 1
    assert "live run" in ran.text
    assert healthy.events("changed") == []


def test_a_free_lock_is_no_change(healthy: Desk) -> None:
    assert "not locked" in healthy.type(f"features unlock {VIEW}").text
    assert healthy.events("changed") == []


def test_values_online_and_offline_stand_side_by_side(stalled: Desk) -> None:
    ran = stalled.type(f"features show {VIEW}")
    assert "newer row offline than online" in ran.text
    assert not ran.text.splitlines()[4].startswith("0 of")
    assert {"online-store", "offline-store", "materializer", "recommendation"} == set(ran.subjects)
    assert "customer 7" in stalled.type(f"features show {VIEW} --entity 7").text
    assert stalled.type(f"features show {VIEW} --entity 99999").exit == 1


def test_lineage_names_the_models_that_read_a_view(healthy: Desk) -> None:
    assert "fraud-detection" in healthy.type("features lineage card_velocity").text


def test_names_are_checked(healthy: Desk) -> None:
    assert f'did you mean "{VIEW}"?' in healthy.type("features show customer_activty").text
    assert healthy.type(f"features materialize {VIEW} --backfill yesterday").exit == 1
    assert healthy.events("changed") == []


def test_a_backfill_is_shown_beside_the_run_that_waits_for_its_lock(stalled: Desk) -> None:
    desk, job = stalled, VIEW
    before = desk.type("features jobs").text
    desk.type(f"features materialize {job} --backfill 72h")
    desk.wait(15.0)
    mine = [line.split() for line in desk.type("features jobs").text.splitlines() if line.startswith(job)]
    assert [cells[1] for cells in mine] == [desk.op.plant.materializer.job(job).status(desk.op.now_s).run, "backfill"]
    assert mine[0][-1] == "0.0"
    assert float(mine[1][-1]) > 0
    assert "backfill" not in before
    status = next(line for line in desk.type("features status").text.splitlines() if line.startswith(job))
    assert status.endswith("backfill")
    assert " 0.0 + " in status

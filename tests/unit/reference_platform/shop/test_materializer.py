"""The materialiser: it catches up, it waits without complaint for a dead run's lock, and only removing that helps."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.shop.materializer import JobLine, Materializer, MaterializerJob
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.rows import FeatureRows, to_instant
from reference_platform.shop.serving import read_features
from tests.unit.reference_platform.shop.one_view import one_view

CUSTOMERS = 5000
DAY_S = 86400.0
VIEW = one_view("activity", CUSTOMERS, "step", ttl_s=7 * DAY_S)


class Plant:
    """One view, a pipeline step every five minutes, and the job, driven by their wake-ups."""

    def __init__(self) -> None:
        self.offline, self.online = OfflineStore([VIEW]), EmbeddedOnlineStore(views=[VIEW])
        self.now_s = 0.0
        self._append(np.arange(CUSTOMERS))
        self.materializer = Materializer([VIEW], self.offline, self.online, now_s=0.0)
        self.lines: list[JobLine] = []

    @property
    def job(self) -> MaterializerJob:
        return self.materializer.job("activity")

    def _append(self, entity: np.ndarray) -> None:
        values = np.full((len(entity), 1), self.now_s, dtype=np.float32)
        rows = FeatureRows.known_at(entity.astype(np.int32), values, self.now_s)
        self.offline.append("activity", rows, complete_us=to_instant(self.now_s))

    def run_to(self, to_s: float) -> None:
        step = self.now_s // 300 + 1
        while True:
            wake_s = min(step * 300, self.materializer.next_wake_s())
            if wake_s > to_s:
                break
            self.now_s = wake_s
            if wake_s == step * 300:
                self._append(np.arange(int(step) % 10, CUSTOMERS, 10))
                step += 1
            self.lines += self.materializer.tick(wake_s)
        self.now_s = to_s

    def age_s(self) -> float:
        return self.job.age_s(self.now_s)

    def event_us(self, entity: np.ndarray) -> np.ndarray:
        """Event times of the online rows."""
        return read_features(self.online, [(VIEW, entity)], self.now_s)[0].event_us

    def behind(self) -> int:
        """Entities whose online value is not the newest one."""
        newest = self.offline.latest("activity")
        return int((self.event_us(newest.entity) < newest.event_us).sum())


@pytest.fixture
def plant() -> Plant:
    plant = Plant()
    plant.run_to(3600.0)
    return plant


def stalled(plant: Plant, for_s: float) -> Plant:
    plant.job.stall(plant.now_s)
    plant.run_to(plant.now_s + for_s)
    return plant


def test_a_healthy_job_keeps_values_within_one_run_of_now(plant: Plant) -> None:
    for _ in range(50):
        plant.run_to(plant.now_s + 37.0)
        assert plant.age_s() <= 330.0
    plant.run_to(plant.now_s - plant.now_s % 300 + 290.0)
    assert plant.behind() == 0
    assert plant.job.status(plant.now_s).state == "IDLE"


def test_a_second_tick_at_one_instant_does_nothing(plant: Plant) -> None:
    plant.job.stall(plant.now_s)
    plant.run_to(plant.job.next_wake_s())
    before = {name: values.tobytes() for name, values in plant.online.state().items()}
    assert plant.materializer.tick(plant.now_s) == []
    assert {name: values.tobytes() for name, values in plant.online.state().items()} == before


def test_a_stalled_job_reports_running_sends_heartbeats_and_advances_nothing(plant: Plant) -> None:
    watermark_s = plant.job.status(plant.now_s).watermark_s
    plant.lines.clear()
    stalled(plant, 3 * DAY_S)
    status = plant.job.status(plant.now_s)
    assert (status.state, status.watermark_s, status.rows_per_s) == ("RUNNING", watermark_s, 0.0)
    assert plant.now_s - status.heartbeat_s <= 30.0
    assert plant.age_s() >= 3 * DAY_S
    assert {line.level for line in plant.lines} == {"INFO"}
    assert all("waiting for lock" in line.text for line in plant.lines)
    assert len(plant.lines) <= 3 * 24 * 6 + 1


def test_the_lock_table_names_the_dead_run(plant: Plant) -> None:
    dead = plant.job.status(plant.now_s).run
    stalled(plant, 600.0)
    status = plant.job.status(plant.now_s)
    assert status.lock is not None
    assert status.lock.owner == dead != status.run


def test_no_number_of_restarts_cures_a_stall(plant: Plant) -> None:
    watermark_s = plant.job.status(plant.now_s).watermark_s
    stalled(plant, DAY_S)
    for restart in (plant.job.restart, plant.materializer.restart, plant.materializer.restart):
        restart(plant.now_s)
        plant.run_to(plant.now_s + 1800.0)
    assert plant.job.status(plant.now_s).watermark_s == watermark_s


def test_unlock_lets_the_job_catch_up_over_minutes(plant: Plant) -> None:
    stalled(plant, 3 * DAY_S)
    row = plant.job.unlock(plant.now_s)
    assert row is not None
    plant.run_to(plant.now_s + 30.0)
    assert plant.behind() > 1000
    assert plant.job.status(plant.now_s).rows_per_s > 0
    plant.run_to(plant.now_s + 240.0)
    assert plant.behind() <= 500
    assert plant.age_s() <= 330.0


def test_a_restart_after_unlock_is_harmless(plant: Plant) -> None:
    stalled(plant, DAY_S)
    plant.job.unlock(plant.now_s)
    plant.job.restart(plant.now_s)
    plant.run_to(plant.now_s + 300.0)
    assert plant.age_s() <= 330.0


def test_a_backfill_freshens_but_does_not_cure(plant: Plant) -> None:
    stalled(plant, 3 * DAY_S)
    plant.job.backfill(-DAY_S, plant.now_s)
    plant.run_to(plant.now_s + 90.0)
    assert plant.age_s() <= 400.0
    assert plant.behind() <= 500
    plant.run_to(plant.now_s + 7200.0)
    assert plant.age_s() >= 7200.0


def test_a_backfill_that_leaves_a_gap_does_not_vouch_for_it(plant: Plant) -> None:
    watermark_s = plant.job.status(plant.now_s).watermark_s
    stalled(plant, 3 * DAY_S)
    plant.job.backfill(plant.now_s - 900.0, plant.now_s)
    plant.run_to(plant.now_s + 300.0)
    assert plant.job.status(plant.now_s).watermark_s == watermark_s


def test_a_backfill_beside_a_healthy_job_disturbs_nothing(plant: Plant) -> None:
    plant.job.backfill(-DAY_S, plant.now_s)
    for _ in range(40):
        before = plant.event_us(np.arange(CUSTOMERS))
        plant.run_to(plant.now_s + 11.0)
        assert (plant.event_us(np.arange(CUSTOMERS)) >= before).all()
    assert plant.age_s() <= 330.0
    assert plant.job.status(plant.now_s).detail != "backfilling"


def test_work_per_tick_is_bounded(plant: Plant) -> None:
    stalled(plant, 3 * DAY_S)
    plant.job.unlock(plant.now_s)
    plant.job.backfill(-DAY_S, plant.now_s)
    for _ in range(20):
        before = plant.event_us(np.arange(CUSTOMERS))
        plant.run_to(plant.materializer.next_wake_s())
        after = plant.event_us(np.arange(CUSTOMERS))
        assert int((after > before).sum()) <= 1400


def test_a_stopped_job_does_nothing_until_restarted(plant: Plant) -> None:
    plant.materializer.stop(plant.now_s)
    assert plant.materializer.next_wake_s() == np.inf
    assert plant.job.status(plant.now_s).state == "STOPPED"
    with pytest.raises(CommandError, match="stopped"):
        plant.job.backfill(0.0, plant.now_s)
    plant.run_to(plant.now_s + 7200.0)
    assert plant.age_s() >= 7200.0
    plant.materializer.restart(plant.now_s)
    plant.run_to(plant.now_s + 300.0)
    assert plant.age_s() <= 330.0


def test_refusals_name_the_way_on(plant: Plant) -> None:
    with pytest.raises(CommandError) as caught:
        plant.materializer.job("activty")
    assert 'did you mean "activity"' in str(caught.value)
    with pytest.raises(CommandError, match="nothing to backfill"):
        plant.job.backfill(plant.now_s, plant.now_s)


def test_a_backfill_beside_a_waiting_run_is_told_apart_from_it(plant: Plant) -> None:
    stalled(plant, 3 * DAY_S)
    (line,) = plant.job.backfill(plant.now_s - 78 * 3600.0, plant.now_s)
    assert line.text == "backfill of the last 3d6h started"
    began_s = plant.now_s
    plant.run_to(began_s + 15.0)
    status = plant.job.status(plant.now_s)
    assert status.backfill_since_s == began_s
    assert status.rows_per_s == status.backfill_rows_per_s > 0
    plant.run_to(began_s + 1800.0)
    done = plant.job.status(plant.now_s)
    assert (done.backfill_since_s, done.backfill_rows_per_s, done.rows_per_s) == (None, 0.0, 0.0)

"""The way of events at the prompt: what came in, what was put aside, who reads what, and the repairs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from simulator.session.session import Session
from simulator.shell.run import Ran
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now


def desk(fault_id: str | None = None, hours: float = 1.0, **params: object) -> Session:
    """That long into a fault on a calm night."""
    simulation = simulated(fault_id, params)
    run_to(simulation, BEGINS_S + hours * 3600.0)
    return staffed(simulation)


def typed(session: Session, line: str) -> Ran:
    return type_now(session, line)


def row(text: str, *begins: str) -> list[str]:
    """Cells of the first line that begins with these."""
    return next(cells for cells in map(str.split, text.splitlines()) if cells[: len(begins)] == list(begins))


def changes(session: Session) -> list[Mapping[str, object]]:
    return [event.data for event in session.simulation.log if event.kind == "changed"]


def test_on_a_good_night_everything_is_accepted_and_nobody_lags() -> None:
    session = desk()
    clicks = row(typed(session, "features sources").text, "clicks")
    assert clicks[1:3] == ["clicks-producer", "2.3.1"]
    assert int(clicks[3].replace(",", "")) > 100
    assert clicks[4:8] == ["0", "0", "0", "0"]
    assert "no record was put aside" in typed(session, "features dead-letters").text
    assert "removal of repeats: clicks off, payments off" in typed(session, "features consumer").text
    assert row(typed(session, "chronyc tracking").text, "cpu-1")[1] == "Normal"
    assert row(typed(session, "store config get appendfsync").text, "everysec")


def test_a_renamed_column_shows_in_the_contract_and_in_the_records_put_aside() -> None:
    session = desk("feature_pipeline.schema_mismatch")
    contract = typed(session, "features contract payments").text
    assert row(contract, "amount_eur")[-3:] == ["MISSING", "-", "-"]
    assert row(contract, "amount")[1:3] == ["not", "agreed"]
    letters = typed(session, "features dead-letters payments")
    assert "column amount_eur is missing, found amount" in letters.text
    assert {"feature-pipeline", "payments-producer"} == set(letters.subjects)
    assert "records put aside" in typed(session, "logs feature-pipeline").text
    assert "payments-producer:2.4.0" in typed(session, "kubectl describe deployment payments-producer").text
    assert "payments-producer:2.3.1" not in typed(session, "kubectl describe pod payments-producer").text
    assert "2.4.0" in typed(session, "deploys payments-producer").text


def test_a_unit_shows_only_in_the_mean() -> None:
    session = desk("feature_pipeline.unit_change", hours=2.0)
    amount = row(typed(session, "features contract payments").text, "amount_eur")
    assert amount[1] == amount[5] == "Float32"
    assert float(amount[-1]) > 1000.0
    assert "no record was put aside" in typed(session, "features dead-letters payments").text


def test_a_replay_is_asked_for_a_length_of_time_and_says_what_it_did() -> None:
    session = desk()
    ran = typed(session, "features replay payments --since 30m")
    assert ran.exit == 0
    assert "events read again" in ran.text
    assert "card_velocity: 5,000 rows written" in ran.text
    assert (changes(session)[-1]["action"], changes(session)[-1]["component"]) == ("replay", "feature-pipeline")
    assert typed(session, "features replay payments --since yesterday").exit == 1
    assert typed(session, "features replay payments").exit != 0
    assert 'did you mean "payments"' in typed(session, "features replay payment --since 1h").text


def test_a_replay_waits_for_pods() -> None:
    session = desk()
    typed(session, "kubectl scale deployment payments-producer --replicas=0")
    run_to(session.simulation, session.simulation.now_s + 60.0)
    ran = typed(session, "features replay payments --since 1h")
    assert ran.exit == 1
    assert "payments-producer" in ran.text
    typed(session, "kubectl scale deployment feature-pipeline --replicas=0")
    run_to(session.simulation, session.simulation.now_s + 60.0)
    assert "feature-pipeline" in typed(session, "features consumer rebalance clicks").text


def test_a_partition_that_nobody_reads_stands_out() -> None:
    session = desk("feature_pipeline.dropped_partition")
    lost = row(typed(session, "features consumer clicks").text, "clicks", "3")
    assert lost[2] == "-"
    assert int(lost[3]) > 20
    assert row(typed(session, "features consumer clicks").text, "clicks", "2")[3] == "0"
    assert typed(session, "features consumer rebalance clicks").exit == 0
    run_to(session.simulation, session.simulation.now_s + 600.0)
    assert row(typed(session, "features consumer clicks").text, "clicks", "3")[3] == "0"


def test_removal_of_repeats_is_switched_once() -> None:
    session = desk("feature_pipeline.duplicate_delivery", source="clicks", ratio=1.0)
    assert typed(session, "features consumer dedup clicks on").exit == 0
    assert "on already" in typed(session, "features consumer dedup clicks on").text
    assert [change["action"] for change in changes(session)] == ["set_dedup"]
    run_to(session.simulation, session.simulation.now_s + 1800.0)
    assert int(row(typed(session, "features sources").text, "clicks")[5].replace(",", "")) > 20
    assert typed(session, "features consumer dedup clicks perhaps").exit != 0


def test_a_clock_is_seen_and_set() -> None:
    session = desk("feature_pipeline.clock_skew", minutes=-12)
    (skewed,) = [name for name, node in session.simulation.plant.cluster.nodes.items() if node.clock_ahead_s]
    assert "720 s slow" in typed(session, f"chronyc tracking {skewed}").text
    assert "+720 s" in typed(session, f"chronyc makestep {skewed}").text
    assert changes(session)[-1]["component"] == skewed
    assert "Normal" in typed(session, f"chronyc tracking {skewed}").text
    assert typed(session, "chronyc tracking cpu-9").exit == 1


@pytest.mark.parametrize("line", ["store config set appendfsync sometimes", "store config set save 60"])
def test_the_store_takes_only_settings_that_exist(line: str) -> None:
    session = desk("online_store.slow", hours=0.2)
    assert typed(session, line).exit == 1
    assert row(typed(session, "store config get appendfsync").text, "always")
    assert "appendfsync:always" in typed(session, "store info").text
    assert "AOF fsync takes" in typed(session, "logs online-store").text
    assert changes(session) == []


def test_producers_that_are_down_leave_events_waiting_in_the_shop() -> None:
    session = desk()
    typed(session, "kubectl scale deployment clicks-producer --replicas=0")
    run_to(session.simulation, session.simulation.now_s + 1800.0)
    clicks = row(typed(session, "features sources").text, "clicks")
    assert clicks[2:4] == ["none", "ready"]
    waiting = session.simulation.plant.ingest.feed("clicks").outstanding
    assert waiting > 20
    typed(session, "kubectl scale deployment clicks-producer --replicas=2")
    run_to(session.simulation, session.simulation.now_s + 600.0)
    feed = session.simulation.plant.ingest.feed("clicks")
    assert feed.outstanding == 0
    assert feed.consumer.counts.accepted == feed.recorded


def test_the_dashboard_names_a_source_whose_events_are_put_aside() -> None:
    session = desk("feature_pipeline.schema_mismatch")
    ran = typed(session, "dash")
    assert {"feature-pipeline", "payments-producer"} <= set(ran.subjects)
    aside = row(ran.text, "put", "aside", "payments")
    assert float(aside[3]) > 0

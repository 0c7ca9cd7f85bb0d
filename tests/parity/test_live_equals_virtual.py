"""The live driver and the virtual one take the same decisions: from the same trace, the same effects, byte for byte."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from reference_platform.live.clock import system_now_us
from reference_platform.live.model_server import LiveServing, Served
from reference_platform.serving import records as rec
from reference_platform.serving.trace import Trace
from tests.oracle.compiled import core_of, path_of
from tests.oracle.request_path import Route, System

ROUTE = Route(1.0, 2, 4, 0.001, 0.0, 0.0, 0.0, queue_max=64)
CALM = System((ROUTE,), 8, 0.0, acquire_timeout_s=1.0, cache_ttl_s=0.0, entities=50)


@dataclass(frozen=True)
class Night:
    """What happens to a live server: so many requests at once, again and again; work takes as long as it takes."""

    system: System
    bursts: tuple[int, ...]
    seed: int = 0
    dies: bool = False
    shuts_down: bool = False
    fails: bool = False
    shadow: bool = False
    pause_us: int = 200
    held: Literal["", "reads", "batches"] = ""
    """What is held up until it has had the effect that the night is about, whatever the speed of the machine."""


def _route(**changes: object) -> System:
    return replace(CALM, routes=(replace(ROUTE, **changes),))  # type: ignore[arg-type]


NIGHTS = {
    "calm": Night(CALM, (3, 3, 3)),
    "one by one": Night(CALM, (1,) * 8),
    "cached": Night(replace(CALM, cache_ttl_s=60.0, entities=4), (8, 8, 8)),
    "overload": Night(_route(queue_max=3), (60, 60), held="batches"),
    "overload, with retries": Night(replace(_route(queue_max=3), attempts_max=3), (60, 60), held="batches"),
    "gateway full": Night(replace(CALM, in_flight_max=10), (60,)),
    "time-outs": Night(_route(deadline_s=0.002), (20, 20), held="batches"),
    "time-outs, with retries": Night(replace(_route(deadline_s=0.002), attempts_max=2), (20, 20), held="batches"),
    "one connection": Night(replace(CALM, connections=1), (40,)),
    "no connection in time": Night(replace(CALM, connections=1, acquire_timeout_s=0.0005), (40, 40), held="reads"),
    "a dying replica": Night(replace(CALM, attempts_max=2), (40, 10), dies=True),
    "a dying replica with a full batch": Night(CALM, (40, 10), dies=True, held="batches"),
    "shutdown": Night(CALM, (40,), shuts_down=True),
    "shutdown in the middle of batches": Night(replace(CALM, attempts_max=3), (40,), shuts_down=True, held="batches"),
    "failing batches": Night(CALM, (20, 20), fails=True),
    "failing batches, with retries": Night(replace(CALM, attempts_max=3), (20, 20), fails=True),
    "shadow": Night(CALM, (20, 20), shadow=True),
    "no delay": Night(_route(delay_s=0.0), (20, 20)),
    "long delay": Night(_route(delay_s=0.01, batch_max=64), (20, 20)),
    "one replica": Night(_route(pods=1), (30, 30)),
    "nobody there": Night(_route(pods=0), (10,)),
    "large batches": Night(_route(batch_max=32), (64, 64)),
}


def _core(night: Night) -> rec.State:
    core = core_of(night.system, 256)
    if night.shadow:
        core.routes[0].shadow_arm = 1
        core.members[1, 0] = 1
        core.arms[1].members = 1
    return core


async def _live(night: Night) -> tuple[Trace, list[Served], rec.State]:
    """The night on a real loop, with real threads and the real clock."""
    rng = np.random.default_rng(night.seed)
    core = _core(night)
    gates = {"reads": threading.Event(), "batches": threading.Event()}
    for name, gate in gates.items():
        if name != night.held:
            gate.set()

    def read(entity: int) -> int:
        gates["reads"].wait(60.0)
        return 10 * entity

    def run_batch(features: Sequence[int], asked: Sequence[int]) -> list[int]:
        gates["batches"].wait(60.0)
        if night.fails and sum(asked) % 3 == 0:
            raise MemoryError("CUDA out of memory")
        return [found + said for found, said in zip(features, asked, strict=True)]

    served: list[Served] = []
    with ThreadPoolExecutor(8) as threads:
        serving = LiveServing(core, read, run_batch, threads, system_now_us, night.pause_us)
        for number, burst in enumerate(night.bursts):
            entities = rng.integers(0, night.system.entities, burst).tolist()
            asking = [asyncio.ensure_future(serving.ask(entity, entity)) for entity in entities]
            await asyncio.sleep(0)  # they begin
            while number == 0 and not _is_telling(night, core, asking):
                await asyncio.sleep(0)
            if number == 0 and night.dies:
                serving.lose(0)
            closing = asyncio.ensure_future(serving.close()) if night.shuts_down else None
            await asyncio.sleep(0)
            for gate in gates.values():
                gate.set()
            served += await asyncio.gather(*asking)
            if closing is not None:
                await closing
        await serving.close()
    return serving.trace(), served, core


def _is_telling(night: Night, core: rec.State, asking: Sequence[asyncio.Future[Served]]) -> bool:
    """Whether what is held up has been held for long enough."""
    if not night.held:
        return True
    if night.held == "reads" or night.system.routes[0].deadline_s < 1.0:
        return any(each.done() for each in asking)
    idle = core.counts[rec.STORE_BUSY] == 0 and core.counts[rec.STORE_WAITING] == 0
    return bool(idle and core.replicas[0].running)


def _virtual(night: Night, trace: Trace) -> tuple[rec.State, rec.Records, np.ndarray]:
    """The same night from the trace."""
    path = path_of(night.system, 1, attempts=256, recorded=trace.carried_out, trace_rows=len(trace.effects) + 100)
    fresh = _core(night)
    for name in ("routes", "arms", "members"):
        getattr(path.core, name)[:] = getattr(fresh, name)
    path.advance(trace.inputs, float(trace.effects_us[-1] + 10_000_000) / 1e6)
    n = int(path.drive.counts[3])
    return path.core, path.drive.trace[:n], path.drive.trace_us[:n]


@pytest.mark.parametrize("name", NIGHTS)
async def test_the_same_trace_gives_the_same_effects(name: str, tmp_path: Path) -> None:
    """Also by way of a file; and what the core knows in the end is the same."""
    night = NIGHTS[name]
    trace, served, live_core = await _live(night)
    assert len(served) == sum(night.bursts)
    trace.write(tmp_path / "trace.npz")
    read = Trace.read(tmp_path / "trace.npz")
    core, effects, effects_us = _virtual(night, read)
    assert effects_us.tolist() == trace.effects_us.tolist()
    assert effects.tobytes() == trace.effects.tobytes()
    assert core.counts.tolist() == live_core.counts.tolist()
    assert [core.cache.tobytes(), core.free.tobytes()] == [live_core.cache.tobytes(), live_core.free.tobytes()]


async def test_whoever_asks_gets_the_answer_to_what_was_asked() -> None:
    _, served, _ = await _live(NIGHTS["calm"])
    for each in served:
        assert (each.row.outcome, each.row.status) == (rec.OK, 200)
        assert each.answer == 11 * each.row.entity


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("overload", rec.QUEUE_FULL),
        ("gateway full", rec.OVERLOADED),
        ("time-outs", rec.DEADLINE_PASSED),
        ("no connection in time", rec.STORE_TIMEOUT),
        ("a dying replica with a full batch", rec.REPLICA_LOST),
        ("shutdown", rec.REPLICA_LOST),
        ("shutdown in the middle of batches", rec.NO_REPLICA),
        ("failing batches", rec.BATCH_FAILED),
        ("nobody there", rec.NO_REPLICA),
    ],
)
async def test_the_nights_are_what_they_are_called(name: str, cause: int) -> None:
    """Otherwise equal effects would prove little."""
    _, served, _ = await _live(NIGHTS[name])
    assert cause in {int(each.row.cause) for each in served}
    assert all((each.answer is None) == (each.row.outcome != rec.OK) for each in served)


async def test_a_closed_server_takes_nothing_more() -> None:
    core = _core(NIGHTS["calm"])
    with ThreadPoolExecutor(1) as threads:
        serving = LiveServing(core, lambda entity: entity, lambda features, asked: features, threads, system_now_us)
        with pytest.raises(ValueError, match="entity 50 is not one of 50"):
            await serving.ask(50)
        await serving.close()
        with pytest.raises(RuntimeError, match="shutting down"):
            await serving.ask(1)

"""The fleet on Ray: one task per night, anywhere in a cluster whose machines have this program installed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from reference_platform.errors import ConfigError
from scenarios.fleet import Message, NightRequest
from scenarios.fleet_process import run_apart

LOCAL = "local"


def run_on_ray(nights: Sequence[NightRequest], address: str, workers: int) -> Iterator[Message]:
    """As `run_here`, on the cluster at `address`, or on a Ray of `workers` processes that is started here for "local".

    Raises ConfigError when Ray is not installed or not there.
    """
    ray = _started(address, workers)
    try:
        task = ray.remote(num_cpus=1)(_night)
        order = sorted(range(len(nights)), key=lambda index: (-nights[index].expected_s, index))
        waiting = {task.remote(nights[index].to_json()): index for index in order}
        while waiting:
            done, _ = ray.wait(list(waiting))
            for reference in done:
                index = waiting.pop(reference)
                for body in ray.get(reference):
                    yield replace(Message(**body), night=index)
    finally:
        ray.shutdown()


def _started(address: str, workers: int) -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError("Ray is not installed", fix="pip install 'pagerdrill[ray]', or leave --ray out") from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"include_dashboard": False, "num_cpus": workers} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        why = str(error).strip().partition("\n")[0]
        raise ConfigError("no Ray there", where=address, why=why, fix="start it with `ray start --head`") from error
    return ray


def _night(body: dict[str, Any]) -> list[dict[str, Any]]:
    """One night with all its tasks, in a process of its own: Ray's workers have threads and must not be forked."""
    messages = run_apart([NightRequest.from_json(body)], 1)
    return [asdict(message) for message in messages if message.outcome is not None]

"""A small healthy platform, one scenario on it and two faults, so that these tests stand apart from the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from reference_platform.durations import Duration

PLATFORM = """\
name: small
description: one model on one node
nodes:
  - {name: gpu-1, pool: gpu, cpu_cores: 8, memory: 32Gi, gpu_name: A10, gpu_memory: 24GiB}
models:
  - name: recommendation
    route_share: 1.0
    deadline: 250ms
    latency_slo: 120ms
    batch: {max_size: 32, max_delay: 4ms, queue_max: 64}
    gpu: {launch: 2ms, base: 3ms, per_item: 100ms, jitter_sigma: 0.1}
deployments:
  - name: recommendation
    component: recommendation
    replicas: 2
    node_pool: gpu
    cpu: 1
    memory_limit: 6Gi
    startup: 20s
  - {name: gateway, component: gateway, replicas: 3, node_pool: gpu, cpu: 1, memory_limit: 1Gi, startup: 5s}
gateway: {retry: {attempts_max: 3, backoff: 200ms}, in_flight_max: 4096}
online_store:
  connections_max: 200
  serving_connections: 60
  read: 2ms
  acquire_timeout: 250ms
  cache_ttl: 60s
traffic: {requests_per_s: 600}
slo: {availability: 0.99}
alerts: []
scrape: {active: 15s, quiet: 5m}
"""

SCENARIO = """\
schema: 1
id: slow-store
title: The store is slow
level: mlops
family: feature-store
platform: platform.yaml
overlay:
  deployments:
    - {name: gateway, replicas: 4}
    - {name: recommendation, memory_limit: 4Gi..6Gi}
  traffic: {requests_per_s: 500..700}
clock: {starts: Tue 22:30, drill: 30m, joins: first_page, joins_by: 8h}
brief: You are on call tonight.
faults:
  - fault: online_store.connection_leak
    at: 10m..12m
    with: {job: loyalty-export, leaked_per_minute: 3..5, hold: 15m}
people:
  - {name: Mara, role: data engineer, knows: The export was deployed last night.}
hints: [Look at what all routes share.]
runbooks: {gateway-504: Check the fallback first.}
expert:
  - ack
  - wait: 90s
  - kubectl get pods
"""


class ConnectionLeak(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    job: str
    leaked_per_minute: int = Field(gt=0, le=100)
    hold: Duration


class SeasonalDip(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    depth_ratio: float = Field(default=0.3, ge=0, le=1)


@pytest.fixture
def two_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these two faults are known."""
    models = {"online_store.connection_leak": ConnectionLeak, "traffic.seasonal_dip": SeasonalDip}
    monkeypatch.setattr("scenarios.loader.fault_models", lambda: models)


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, two_faults: None) -> Write:
    """Writes a scenario text beside its platform and returns its path."""

    def written(text: str) -> Path:
        (tmp_path / "platform.yaml").write_text(PLATFORM, encoding="utf-8")
        path = tmp_path / "drill.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def scenario_text() -> str:
    return SCENARIO


@pytest.fixture
def playable_text() -> str:
    """The same scenario on the platform that ships, which has everything that a drill needs."""
    return SCENARIO.replace("platform: platform.yaml", "platform: reference")

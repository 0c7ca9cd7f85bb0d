"""Every fault by the id that scenarios use."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.deployment import ModelUpdate
from simulator.faults.online_store import ConnectionLeak
from simulator.faults.pipeline import MaterializerStalls
from simulator.faults.traffic import SeasonalDip

FAULTS: dict[str, type[Fault]] = {
    "deployment.model_update": ModelUpdate,
    "feature_store.materializer_stalls": MaterializerStalls,
    "online_store.connection_leak": ConnectionLeak,
    "traffic.seasonal_dip": SeasonalDip,
}

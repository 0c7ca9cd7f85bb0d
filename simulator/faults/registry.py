"""Every fault by the id that scenarios use."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.deployment import ModelUpdate
from simulator.faults.online_store import ConnectionLeak, SlowStore
from simulator.faults.pipeline import ClockSkew, DroppedPartition, MaterializerStalls
from simulator.faults.producers import DuplicateDelivery, NullFlood, SchemaMismatch, TimezoneShift, UnitChange
from simulator.faults.traffic import SeasonalDip, Surge

FAULTS: dict[str, type[Fault]] = {
    "deployment.model_update": ModelUpdate,
    "feature_pipeline.clock_skew": ClockSkew,
    "feature_pipeline.dropped_partition": DroppedPartition,
    "feature_pipeline.duplicate_delivery": DuplicateDelivery,
    "feature_pipeline.null_flood": NullFlood,
    "feature_pipeline.schema_mismatch": SchemaMismatch,
    "feature_pipeline.timezone_shift": TimezoneShift,
    "feature_pipeline.unit_change": UnitChange,
    "feature_store.materializer_stalls": MaterializerStalls,
    "online_store.connection_leak": ConnectionLeak,
    "online_store.slow": SlowStore,
    "traffic.seasonal_dip": SeasonalDip,
    "traffic.surge": Surge,
}

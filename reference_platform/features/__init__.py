"""The feature store: declared once, joined as of any instant, served online, audited against its own history."""

from reference_platform.features.config import EmbeddedConfig, RedisConfig, StoreConfig
from reference_platform.features.definition_set import UnknownFeatureError
from reference_platform.features.definitions import (
    BatchFeatureView,
    Entity,
    FeatureView,
    FeatureViewProjection,
    Field,
)
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource, on_demand_feature_view
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, KafkaSource, PushSource, TableSource
from reference_platform.features.store import FeatureStore
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
    ValueType,
)
from reference_platform.features.writes import PushMode

__all__ = [
    "Aggregation",
    "Array",
    "BatchFeatureView",
    "Bool",
    "Bytes",
    "EmbeddedConfig",
    "Entity",
    "FeatureService",
    "FeatureStore",
    "FeatureView",
    "FeatureViewProjection",
    "Field",
    "FileSource",
    "Float32",
    "Float64",
    "Int32",
    "Int64",
    "KafkaSource",
    "OnDemandFeatureView",
    "PushMode",
    "PushSource",
    "RedisConfig",
    "RequestSource",
    "StoreConfig",
    "StreamFeatureView",
    "String",
    "TableSource",
    "UnixTimestamp",
    "UnknownFeatureError",
    "ValueType",
    "on_demand_feature_view",
]

"""What model versions say they read."""

from __future__ import annotations

import pytest

from reference_platform.errors import ContentError
from reference_platform.features.governance.uses import (
    FEATURE_REFS_TAG,
    FEATURE_SERVICE_TAG,
    ModelUse,
    feature_refs,
    model_uses,
    used_features,
)
from reference_platform.registry.port import ModelVersion
from reference_platform.registry.snapshot import SnapshotRegistry


def _version(number: int, **tags: str) -> ModelVersion:
    return ModelVersion("fraud", number, f"run{number}", {}, tags, -1.0, "READY")


def test_references_survive_the_tag() -> None:
    named = ["cards:amount 7d", "cards:count", "cards:count", "shops:*", "größe:wert"]
    assert used_features({FEATURE_REFS_TAG: feature_refs(named)}) == tuple(dict.fromkeys(named))


def test_other_tags_are_understood() -> None:
    assert used_features({"features": "cards, shops"}) == ("cards:*", "shops:*")
    assert used_features({"feast.feature_refs": '["a:b", "c:d"]'}) == ("a:b", "c:d")
    assert used_features({"feast.feature_refs": "a:b,c:d"}) == ("a:b", "c:d")
    assert used_features({"feast.feature_refs": "[broken"}) == ()
    assert used_features({}) == ()


def test_what_is_no_reference_or_too_long_is_refused() -> None:
    with pytest.raises(ContentError, match="not a feature reference"):
        feature_refs(["cards"])
    with pytest.raises(ContentError, match="a tag holds") as caught:
        feature_refs(f"cards:feature{index}" for index in range(1000))
    assert "view:*" in caught.value.fix


def test_every_alias_of_every_version_is_a_use() -> None:
    registry = SnapshotRegistry(
        [
            _version(1, features="cards"),
            _version(2, **{FEATURE_REFS_TAG: "cards:amount", FEATURE_SERVICE_TAG: "fraud"}),
            _version(3),
        ],
        {"fraud": {"champion": 2, "rollback": 2, "challenger": 3}},
    )
    assert model_uses(registry) == (
        ModelUse("fraud", 1, "", ("cards:*",)),
        ModelUse("fraud", 2, "champion", ("cards:amount",), "fraud"),
        ModelUse("fraud", 2, "rollback", ("cards:amount",), "fraud"),
    )
    assert str(model_uses(registry)[1]) == "fraud v2 (champion)"
    assert str(model_uses(registry)[0]) == "fraud v1"

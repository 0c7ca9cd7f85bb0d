"""A model version is served behind the very input normalisation it was trained with, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.fitted import TRANSFORM_TAG, check_fingerprint
from reference_platform.features.governance.uses import model_uses
from reference_platform.models.catalogue import CARDS
from reference_platform.models.runtime import ExportedModel
from reference_platform.registry.snapshot import SnapshotRegistry
from simulator.image.builder import ensure_image
from simulator.image.image import Image


def state(mean: float = 0.5) -> dict[str, np.ndarray]:
    """One linear layer over two inputs."""
    return {
        "log_mask": np.array([1.0, 0.0], np.float32),
        "mean": np.array([mean, 0.0], np.float32),
        "scale": np.ones(2, np.float32),
        "weight_0": np.ones((1, 2), np.float32),
        "bias_0": np.zeros(1, np.float32),
    }


def test_the_fingerprint_covers_what_was_learned_and_nothing_else() -> None:
    """Other weights keep it; another mean changes it."""
    model = ExportedModel("search-ranking", state(), "score")
    other_weights = ExportedModel("search-ranking", {**state(), "bias_0": np.ones(1, np.float32)}, "score")
    assert model.fingerprint == other_weights.fingerprint
    with pytest.raises(CommandError, match="not those that the model version was trained with"):
        check_fingerprint(model.fingerprint, ExportedModel("search-ranking", state(mean=0.6), "score"))


def test_every_version_of_the_platform_says_what_it_reads_and_how_its_inputs_were_fitted() -> None:
    """In the registry's tags; champions are protected by them."""
    uses = model_uses(ensure_image().registry())
    champions = {use.model: use.features for use in uses if use.alias == "champion"}
    assert "card_velocity:payments_1h" in champions["fraud-detection"]
    assert set(champions) == set(CARDS)


def test_a_version_whose_tag_names_other_transforms_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and serving disagree: no prediction is better than a wrong one."""
    image = ensure_image()
    real = SnapshotRegistry.get

    def edited(registry: SnapshotRegistry, name: str, version: int) -> object:
        found = real(registry, name, version)
        return replace(found, tags={**found.tags, TRANSFORM_TAG: "0" * 64})

    monkeypatch.setattr(SnapshotRegistry, "get", edited)
    with pytest.raises(CommandError, match="not those that the model version was trained with"):
        Image.model(image, "fraud-detection", 2)

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reference_platform.models.card import VersionSpec
from reference_platform.models.catalogue import all_versions, card_of
from reference_platform.models.runtime import ExportedModel, weights_as_arrays
from simulator.image.archive import packed, unpacked

if TYPE_CHECKING:
    import torch

    from reference_platform.models.network import FeedForward

VERSIONS = tuple(all_versions())


def network_and_rows(spec: VersionSpec) -> tuple[FeedForward, torch.Tensor]:
    """A network of that version and rows for it. Torch is loaded here, not by every worker that collects the tests."""
    import torch

    trainer = importlib.import_module(f"{card_of(spec.model).package}.trainer")
    torch.manual_seed(spec.version)
    network: FeedForward = trainer.network(spec)
    x = torch.randn(500, len(spec.schema.columns)) * 20.0
    log_mask = torch.tensor([name in spec.schema.log_columns for name in spec.schema.columns])
    network.learn_inputs(x, log_mask)
    x[::7, 0] = float("nan")
    x[3, 1], x[4, 1] = float("inf"), -1e30
    return network, x


@pytest.mark.parametrize("spec", VERSIONS, ids=lambda spec: f"{spec.model}-{spec.version}")
def test_the_runtime_gives_the_numbers_of_torch(spec: VersionSpec) -> None:
    import torch

    network, x = network_and_rows(spec)
    head = card_of(spec.model).head
    served = ExportedModel(spec.model, network.exported(), head).predict(x.numpy())
    with torch.no_grad():
        wanted = network(x)
        wanted = torch.sigmoid(wanted) if head == "probability" else wanted
        wanted = wanted if head == "logits" or wanted.shape[1] > 1 else wanted[:, 0]
    assert served.dtype == np.float32
    assert np.isfinite(served).all()
    np.testing.assert_allclose(served, wanted.numpy(), atol=1e-5, rtol=1e-5)


def test_weights_survive_being_stored() -> None:
    spec = VERSIONS[4]
    network, x = network_and_rows(spec)
    loaded = ExportedModel.from_arrays(
        unpacked(packed(weights_as_arrays(spec.model, network.exported(), 0.25))), "probability"
    )
    fresh = ExportedModel(spec.model, network.exported(), "probability", 0.25)
    assert (loaded.model, loaded.threshold, loaded.columns) == (spec.model, 0.25, len(spec.schema.columns))
    np.testing.assert_array_equal(loaded.predict(x.numpy()), fresh.predict(x.numpy()))


def test_a_missing_value_counts_as_the_mean_and_inputs_are_left_alone() -> None:
    spec = VERSIONS[0]
    network, x = network_and_rows(spec)
    model = ExportedModel(spec.model, network.exported(), "score")
    rows = x.numpy().copy()
    model.predict(rows)
    np.testing.assert_array_equal(rows, x.numpy())
    assert (model.normalise(rows)[::7, 0] == 0.0).all()


def test_rows_of_the_wrong_width_are_refused() -> None:
    spec = VERSIONS[0]
    model = ExportedModel(spec.model, network_and_rows(spec)[0].exported(), "score")
    with pytest.raises(ValueError, match="expected"):
        model.predict(np.zeros((3, 5), np.float32))

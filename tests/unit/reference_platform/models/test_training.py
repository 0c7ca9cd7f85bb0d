from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from reference_platform.models.schema import FRAUD, MODELS, RANKING, RECOMMENDATION
from reference_platform.models.versions import version_spec
from tests.unit.reference_platform.models.conftest import Rows
from tests.unit.reference_platform.models.training import train

METRIC = {RECOMMENDATION: "top3_hit_ratio", FRAUD: "pr_auc", RANKING: "ndcg_at_10"}


def shuffled(rows: Rows) -> npt.NDArray[np.generic]:
    """Labels dealt to other requests; a search keeps one click."""
    rng = np.random.default_rng(5)
    if rows.spec.model == RANKING:
        return rng.permuted(rows.y.reshape(-1, 10), axis=1).ravel()
    return rng.permutation(rows.y)


@pytest.mark.parametrize("model", MODELS)
def test_features_teach_what_shuffled_labels_cannot(rows: dict[str, Rows], model: str) -> None:
    chosen = rows[model]
    real = train(chosen.spec, chosen.x, chosen.y, seed=1).metrics[METRIC[model]]
    held_out = len(chosen.y) - len(chosen.y) // 5
    y = shuffled(chosen)
    y[held_out:] = chosen.y[held_out:]
    blind = train(chosen.spec, chosen.x, y, seed=1).metrics[METRIC[model]]
    assert real > 1.25 * blind
    assert real > {RECOMMENDATION: 0.5, FRAUD: 0.6, RANKING: 0.6}[model]


@pytest.mark.parametrize("model", MODELS)
def test_the_seed_alone_decides_the_weights_and_torch_is_left_as_it_was(rows: dict[str, Rows], model: str) -> None:
    import torch

    chosen = rows[model]
    spec = replace(chosen.spec, epochs=1)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    first = train(spec, chosen.x[:5000], chosen.y[:5000], seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(9)
    again = train(spec, chosen.x[:5000], chosen.y[:5000], seed=1)
    other = train(spec, chosen.x[:5000], chosen.y[:5000], seed=2)
    for name, values in first.state.items():
        np.testing.assert_array_equal(values, again.state[name])
    assert first.metrics == again.metrics
    assert any((values != other.state[name]).any() for name, values in first.state.items())


def test_later_versions_are_better(rows: dict[str, Rows]) -> None:
    chosen = rows[RECOMMENDATION]
    hits = [
        train(version_spec(RECOMMENDATION, version), chosen.x, chosen.y, seed=1).metrics["top3_hit_ratio"]
        for version in (1, 3, 4)
    ]
    assert hits[0] + 0.01 < hits[1] <= hits[2]


def test_merchants_help_to_see_fraud(rows: dict[str, Rows]) -> None:
    chosen = rows[FRAUD]
    spec = version_spec(FRAUD, 1)
    columns = [chosen.spec.schema.columns.index(name) for name in spec.schema.columns]
    narrow = train(spec, np.ascontiguousarray(chosen.x[:, columns]), chosen.y, seed=1)
    wide = train(chosen.spec, chosen.x, chosen.y, seed=1)
    assert wide.metrics["pr_auc"] > narrow.metrics["pr_auc"] + 0.05
    assert 0.0 < wide.threshold < 1.0

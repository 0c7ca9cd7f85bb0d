from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from reference_platform.models.catalogue import CARDS
from reference_platform.models.fraud_detection.card import FRAUD_DETECTION
from reference_platform.models.recommendation.card import RECOMMENDATION
from tests.unit.reference_platform.models.conftest import Rows
from tests.unit.reference_platform.models.training import train

MODELS = tuple(CARDS)
QUALITY = {
    "recommendation": ("top3_hit_ratio", 0.5),
    "fraud-detection": ("pr_auc", 0.6),
    "search-ranking": ("ndcg_at_10", 0.6),
    "dynamic-pricing": ("explained_ratio", 0.02),
}
"""What each is compared by, and what it reaches at least on the small world."""


def shuffled(rows: Rows) -> npt.NDArray[np.generic]:
    """Labels dealt to other requests, or within each where it has several rows: a search keeps one click."""
    rng = np.random.default_rng(5)
    per_request = rows.spec.schema.rows_per_request
    if per_request > 1:
        return rng.permuted(rows.y.reshape(-1, per_request), axis=1).ravel()
    return rng.permutation(rows.y)


@pytest.mark.parametrize("model", MODELS)
def test_features_teach_what_shuffled_labels_cannot(rows: dict[str, Rows], model: str) -> None:
    chosen = rows[model]
    metric, reached = QUALITY[model]
    real = train(chosen.card, chosen.spec, chosen.x, chosen.y, seed=1).metrics[metric]
    held_out = len(chosen.y) - len(chosen.y) // 5
    y = shuffled(chosen)
    y[held_out:] = chosen.y[held_out:]
    blind = train(chosen.card, chosen.spec, chosen.x, y, seed=1).metrics[metric]
    assert real > 1.25 * blind
    assert real > reached


@pytest.mark.parametrize("model", MODELS)
def test_the_seed_alone_decides_the_weights_and_torch_is_left_as_it_was(rows: dict[str, Rows], model: str) -> None:
    import torch

    chosen = rows[model]
    spec = replace(chosen.spec, epochs=1)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    first = train(chosen.card, spec, chosen.x[:5000], chosen.y[:5000], seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(9)
    again = train(chosen.card, spec, chosen.x[:5000], chosen.y[:5000], seed=1)
    other = train(chosen.card, spec, chosen.x[:5000], chosen.y[:5000], seed=2)
    for name, values in first.state.items():
        np.testing.assert_array_equal(values, again.state[name])
    assert first.metrics == again.metrics
    assert any((values != other.state[name]).any() for name, values in first.state.items())


def test_an_offer_teaches_about_the_price_that_was_offered_and_no_other() -> None:
    """The loss and its gradient, by hand: one customer was offered the third price and bought."""
    import torch

    from reference_platform.models.dynamic_pricing.trainer import offered_loss

    logits = torch.tensor([[0.3, -1.0, 0.5, 2.0, 4.0]], requires_grad=True)
    for bought in (1, 0):
        logits.grad = None
        loss = offered_loss(logits, torch.tensor([2 * 2 + bought]))
        loss.backward()
        probability = 1.0 / (1.0 + np.exp(-0.5))
        assert float(loss.detach()) == pytest.approx(-np.log(probability if bought else 1.0 - probability), rel=1e-5)
        assert logits.grad is not None
        np.testing.assert_allclose(logits.grad.numpy(), [[0.0, 0.0, probability - bought, 0.0, 0.0]], rtol=1e-5)


def test_prices_are_judged_by_the_offers_that_agree() -> None:
    """Three visits to a product of 100 EUR that cost 60; the model would have offered 10 %, 10 % and the list price."""
    from reference_platform.models.dynamic_pricing.trainer import quality

    context = np.tile(np.array([[np.log1p(100.0), 0.6, 0.0, 1.0]], np.float32), (3, 1))
    scores = np.full((3, 5), 0.1, np.float32)
    scores[:2, 2] = 0.5
    offered, bought = np.array([2, 0, 0]), np.array([1, 1, 0])
    judged = quality(scores, 2 * offered + bought, context)
    assert judged["earned_ratio"] == pytest.approx(5 * 30.0 / (2 * 40.0), rel=1e-5)
    blind = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert judged["explained_ratio"] == pytest.approx(1.0 + np.log([0.5, 0.1, 0.9]).mean() / blind, rel=1e-5)


def test_later_versions_are_better(rows: dict[str, Rows]) -> None:
    chosen = rows[RECOMMENDATION.name]
    hits = [
        train(chosen.card, RECOMMENDATION.version(version), chosen.x, chosen.y, seed=1).metrics["top3_hit_ratio"]
        for version in (1, 3, 4)
    ]
    assert hits[0] + 0.01 < hits[1] <= hits[2]


def test_merchants_help_to_see_fraud(rows: dict[str, Rows]) -> None:
    chosen = rows[FRAUD_DETECTION.name]
    spec = FRAUD_DETECTION.version(1)
    columns = [chosen.spec.schema.columns.index(name) for name in spec.schema.columns]
    narrow = train(chosen.card, spec, np.ascontiguousarray(chosen.x[:, columns]), chosen.y, seed=1)
    wide = train(chosen.card, chosen.spec, chosen.x, chosen.y, seed=1)
    assert wide.metrics["pr_auc"] > narrow.metrics["pr_auc"] + 0.05
    assert 0.0 < wide.threshold < 1.0

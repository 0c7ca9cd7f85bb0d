from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from reference_platform.models.metrics import (
    hit_ratio,
    ndcg,
    pr_auc,
    precision_at_fpr,
    rank_of_click,
    threshold_at_fpr,
)


@pytest.mark.parametrize("digits", [1, 8])
def test_pr_auc_is_average_precision_with_and_without_ties(digits: int) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.05).astype(np.float32)
    scores = np.round(rng.normal(size=4000) + y, digits)
    assert pr_auc(scores, y) == pytest.approx(average_precision_score(y, scores), rel=1e-9)


def test_pr_auc_without_a_positive_is_zero() -> None:
    assert pr_auc(np.arange(4.0), np.zeros(4)) == 0.0


def test_the_threshold_spares_all_but_the_stated_share_of_negatives() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(5000) < 0.1).astype(np.float32)
    scores = rng.random(5000)
    declined = scores[y == 0] > threshold_at_fpr(scores, y, 0.01)
    assert 0.005 < declined.mean() <= 0.01
    assert 0.0 <= precision_at_fpr(scores, y, 0.01) <= 1.0


def test_a_perfect_ranking_scores_one_and_a_click_in_second_place_less() -> None:
    order = np.array([[2, 0, 1], [2, 0, 1]], dtype=np.int32)
    rank = rank_of_click(order, np.array([[0, 0, 1], [1, 0, 0]], dtype=np.float32))
    assert rank.tolist() == [0, 1]
    assert ndcg(rank[:1]) == 1.0
    assert ndcg(rank) == pytest.approx((1.0 + 1.0 / np.log2(3.0)) / 2)


def test_a_hit_is_a_click_on_what_was_shown() -> None:
    assert hit_ratio(np.tile([0, 1, 2], (4, 1)), np.array([0, 2, 3, 23])) == 0.5

"""What a group of model servers can answer."""

from __future__ import annotations

import pytest

from reference_platform.serving.capacity import capacity_per_s
from reference_platform.spec import ModelSpec


def _model(**gpu: str) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": "ranker",
            "route_share": 1.0,
            "deadline": "400ms",
            "latency_slo": "200ms",
            "batch": {"max_size": 8, "max_delay": "4ms", "queue_max": 64},
            "gpu": {"launch": "8ms", "base": "9ms", "per_item": "3ms", "jitter_sigma": 0.08} | gpu,
        }
    )


def test_a_server_answers_a_full_batch_in_the_time_of_a_full_batch() -> None:
    assert capacity_per_s(_model(), [1.0]) == pytest.approx(8 / 0.033)


def test_servers_add_up_and_slow_ones_count_for_less() -> None:
    assert capacity_per_s(_model(), [1.0, 2.0, 1.8]) == pytest.approx(8 / 0.033 * (1 + 1 / 2 + 1 / 1.8))
    assert capacity_per_s(_model(), []) == 0.0


def test_a_batch_takes_no_less_than_its_launch() -> None:
    assert capacity_per_s(_model(launch="33ms"), [1.0]) == pytest.approx(8 / 0.033)
    assert capacity_per_s(_model(launch="40ms"), [1.0]) == pytest.approx(8 / 0.040)

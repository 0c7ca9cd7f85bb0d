"""Long nights first: two workers then end together, instead of one waiting for a night that the other began last."""

from __future__ import annotations

import pytest

NIGHT_S = {"stale-predictions-three-days": 25, "oom-after-model-update": 18, "gateway-504-at-3am": 8}
"""About how long one night takes with every player. Used for the order alone."""

OTHER_NIGHT_S = 10

SCRIPTS_RATIO = 2
"""A night with each step left out in turn, or with everybody who was ever written, takes about so much longer."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by expected length; the rest keeps its order."""
    items.sort(key=_expected_s, reverse=True)


def _expected_s(item: pytest.Item) -> float:
    if "pii_fuzz" in item.nodeid and item.get_closest_marker("sweep"):
        return 60
    if not item.nodeid.startswith(("tests/content/", "tests/golden/")):
        return 0
    call = getattr(item, "callspec", None)
    scenario = call.params.get("scenario") if call is not None else None
    night_s = NIGHT_S.get(scenario, OTHER_NIGHT_S) if scenario else 0
    many = "leaving_out" in item.name or "everybody_gets" in item.name
    return night_s * (SCRIPTS_RATIO if many else 1)

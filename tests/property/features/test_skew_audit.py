"""The replay audit finds every difference and names what was injected; where serving is right it finds nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reference_platform.features.skew.audit import audit
from reference_platform.features.skew.audit_report import AuditReport
from reference_platform.features.skew.causes import Cause
from tests.oracle.skew_faults import SHOPS, USERS, World

SEEDS = st.integers(0, 2**32 - 1)
BY_KEY = [
    Cause.LATE_DATA,
    Cause.MISSING_MATERIALIZATION,
    Cause.NULL_POLICY,
    Cause.FUTURE_EVENT,
    Cause.ONLINE_ONLY,
]
# A failing world is looked at by its seed; a smaller one is no other seed.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
FEW = settings(max_examples=40, deadline=None, phases=PHASES)


def audited(world: World) -> AuditReport:
    return audit(world.log, world.history, world.definitions(), examples_max=1_000_000)


def check(world: World, computed: Cause | None = None) -> AuditReport:
    """Exactly the cells that differ are named, each with the injected cause. `computed`: that of computed features."""
    report = audited(world)
    found = {(str(e.row_id), e.part, e.feature): e.cause for e in report.examples}
    stored = {key: cause for key, cause in found.items() if key[1] != "basket_share"}
    assert stored == world.differing()
    for (row, part, _), cause in found.items():
        if part == "basket_share":
            user = world.served[int(row)]["user"]
            assert cause is (computed or world.wrong.get(("spend", user)))
    assert report.differences == len(found)
    assert report.unexplained == 0
    return report


@FEW
@given(SEEDS)
def test_clean_streams_have_no_difference(seed: int) -> None:
    world = World(seed)
    report = check(world)
    assert report.differences == 0
    assert sum(finding.status_only for finding in report.findings) == 0
    assert report.cells == 6 * world.reads


@settings(max_examples=100, deadline=None, phases=PHASES)
@given(SEEDS)
def test_every_injected_cause_is_named(seed: int) -> None:
    random = np.random.default_rng([seed, 1])
    wrong: dict[tuple[str, object], Cause] = {}
    for view, keys, causes in (("spend", USERS, BY_KEY), ("rating", SHOPS, [*BY_KEY, Cause.KEY_ENCODING])):
        for key in keys:
            if random.random() < 0.8:
                wrong[(view, key)] = causes[int(random.integers(len(causes)))]
    check(World(seed, wrong=wrong))


@FEW
@given(SEEDS, st.sampled_from([None, 50, 150, 2_000]))
def test_another_ttl_is_named(seed: int, ttl_us: int | None) -> None:
    check(World(seed, serving_ttl_us=ttl_us), computed=Cause.TTL)


@FEW
@given(SEEDS)
def test_changed_code_of_a_view_is_named(seed: int) -> None:
    check(World(seed, view_code=True), computed=Cause.CODE_VERSION)


@FEW
@given(SEEDS)
def test_changed_code_of_a_computed_feature_is_named(seed: int) -> None:
    report = check(World(seed, code=True), computed=Cause.CODE_VERSION)
    assert {finding.part for finding in report.findings if finding.differences} <= {"basket_share"}


@FEW
@given(SEEDS, st.sampled_from([Cause.MISSING_MATERIALIZATION, Cause.TTL]))
def test_inputs_that_were_not_logged_are_found_by_trying(seed: int, cause: Cause) -> None:
    if cause is Cause.TTL:
        check(World(seed, serving_ttl_us=2_000, inputs_served=False), computed=Cause.TTL)
    else:
        wrong = {("spend", user): cause for user in USERS}
        check(World(seed, wrong=wrong, inputs_served=False))


@pytest.mark.parametrize("cause", BY_KEY)
def test_each_cause_really_is_injected(cause: Cause) -> None:
    report = check(World(1, wrong={("spend", user): cause for user in USERS}))
    assert report.by_cause[cause] > 10

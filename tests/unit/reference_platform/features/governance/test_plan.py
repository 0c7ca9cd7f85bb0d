"""The plan: whom breaking edits hit, what is refused, and what an override leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.governance.audit import AuditTrail
from reference_platform.features.governance.audit_check import records
from reference_platform.features.governance.plan import FeaturePlan, plan
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.uses import ModelUse
from reference_platform.features.services import FeatureService
from tests.unit.reference_platform.features.governance.people import everything, profile, sales

BEFORE = everything()
CHAMPION = ModelUse("churn", 4, "champion", ("profile:age", "sales:sum_7d"))
CANARY = ModelUse("churn", 5, "canary", ("doubles:doubled",))
OLD = ModelUse("churn", 1, "", ("profile:*",))
RENAMED = ModelUse("sales", 2, "challenger", ("selling:sum_7d",))
USES = (CHAMPION, CANARY, OLD, RENAMED)


def _shorter(*users: ModelUse, override: str = "") -> FeaturePlan:
    return plan(BEFORE, everything(profile_view=profile(ttl=timedelta(days=1))), users, override=override)


def test_nothing_to_do_is_an_empty_plan() -> None:
    found = plan(BEFORE, everything(), USES)
    assert found.empty
    assert found.allowed
    assert found.to_text() == "Nothing would change."


def test_a_breaking_edit_reaches_services_on_demand_views_models_and_owners() -> None:
    (impact,) = _shorter(*USES).impacts
    assert impact.services == ("churn", "letters")
    assert impact.models == (CHAMPION, CANARY, OLD)
    assert impact.owners == ("crm", "growth", "risk")
    assert {"doubles:doubled", "mail_facts:domain_length", "profile:age"} <= set(impact.features)


def test_it_is_refused_while_champion_or_challenger_read_it() -> None:
    assert not _shorter(CHAMPION).allowed
    assert not _shorter(replace(CHAMPION, alias="challenger")).allowed
    assert _shorter(CANARY, OLD).allowed
    assert _shorter().allowed
    with pytest.raises(CommandError, match="refused: feature view profile: ttl 30d -> 1d") as caught:
        _shorter(*USES).require_allowed()
    assert caught.value.why == "read by churn v4 (champion)"
    assert "override" in caught.value.fix


def test_an_override_allows_it_and_is_recorded_without_hidden_names(tmp_path: Path) -> None:
    found = _shorter(*USES, override="growth agreed; mobile_no is refreshed daily")
    found.require_allowed()
    assert "Override: growth agreed" in found.to_text()
    with AuditTrail(tmp_path / "audit.jsonl") as trail:
        found.record_override(trail, Redaction(BEFORE), at_us=5, role="ann")
        plan(BEFORE, everything(), override="not needed").record_override(trail, Redaction(BEFORE), at_us=6)
    (note,) = [record for record in records(tmp_path / "audit.jsonl") if record["kind"] == "override"]
    assert note["text"] == "growth agreed; [withheld] is refreshed daily"
    assert "profile:pii:phone" in str(note["about"])
    assert "churn v4 (champion)" in str(note["about"])
    assert "mobile_no" not in (tmp_path / "audit.jsonl").read_text()


def test_an_override_needs_a_reason() -> None:
    assert not _shorter(*USES, override="  ").allowed


def test_uncovering_personal_data_is_refused_even_if_nobody_reads_it() -> None:
    uncovered = replace(profile().schema[3], pii="")
    found = plan(BEFORE, everything(profile_view=profile(schema=(*profile().schema[:3], uncovered))))
    with pytest.raises(CommandError) as caught:
        found.require_allowed()
    assert "without a grant" in str(caught.value)
    assert plan(BEFORE, found_after := everything(profile_view=profile(schema=(*profile().schema[:3], uncovered))),
                override="public by law").allowed  # fmt: skip
    assert not plan(found_after, BEFORE).refused


def test_names_given_by_a_service_lead_back_to_the_declared_view() -> None:
    before = DefinitionSet.of([FeatureService("turnover", (sales().with_name("selling"),))])
    after = DefinitionSet.of([sales(schema=sales().schema[1:])])
    found = plan(before, after, USES)
    (gone,) = [impact for impact in found.impacts if impact.edit.name == "sales:sum_7d"]
    assert set(gone.models) == {CHAMPION, RENAMED}


def test_a_service_edit_hits_its_readers_only() -> None:
    smaller = FeatureService("churn", (profile()[["age"]],), owner="growth")
    after = BEFORE.merged(DefinitionSet.of([smaller]))
    by_name = ModelUse("other", 1, "champion", (), "churn")
    elsewhere = ModelUse("else", 1, "champion", ("profile:age",), "letters")
    found = plan(BEFORE, after, [CHAMPION, by_name, elsewhere])
    (impact,) = [impact for impact in found.impacts if impact.edit.kind == "service"]
    assert set(impact.models) == {CHAMPION, by_name}
    assert impact.services == ("churn",)


def test_the_text_counts_and_names_what_is_hit() -> None:
    text = _shorter(*USES).to_text()
    assert text.splitlines() == [
        "1 edit: 0 added, 1 changed, 0 removed; 1 breaking, 1 refused",
        "  ~ feature view profile: ttl 30d -> 1d  BREAKING: older values are no longer answers",
        "      services: churn, letters",
        "      models: churn v4 (champion), churn v5 (canary), churn v1",
        "      refused",
        "Hit: 2 services, 3 model versions; owners: crm, growth, risk",
        'Refused. To go ahead: override="reason"',
    ]


def test_the_text_is_bounded() -> None:
    many = DefinitionSet.of([sales(name=f"view{index}") for index in range(500)])
    text = plan(DefinitionSet(), many).to_text()
    assert len(text.splitlines()) < 210
    assert "more lines" in text


def test_edits_keep_their_order_and_removals_of_views_name_their_features() -> None:
    found = plan(BEFORE, DefinitionSet(), USES)
    assert found.count("removed") == len(BEFORE.objects())
    assert [edit.kind for edit in found.breaking][:3] == ["feature view"] * 3
    assert found.models == (CHAMPION, RENAMED, CANARY, OLD)
    assert found.services == ("border", "churn", "letters", "turnover")

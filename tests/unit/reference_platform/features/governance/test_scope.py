"""What a caller can resolve, and what refusals say."""

from __future__ import annotations

import pytest

from reference_platform.errors import PagerDrillError
from reference_platform.features.definition_set import UnknownFeatureError
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.governance.access import EVERYTHING, NO_PERSONAL_DATA, Grants, Visibility
from reference_platform.features.governance.scope import SCOPES_MAX, Scope, Scopes
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService, Part
from reference_platform.features.types import String
from tests.unit.reference_platform.features.governance.people import (
    HOUR_US,
    NOW_US,
    everything,
    grant,
    profile,
    secrets,
)

ALL = everything()
EMAIL = Grants([grant()]).visible("support", "tickets", NOW_US)


def _names(parts: tuple[Part, ...]) -> list[str]:
    return [
        f"{part.name}:{name}"
        for part in parts
        for name in (part.feature_names if isinstance(part, OnDemandFeatureView) else part.features)
    ]


def _refusal(scope: Scope, features: list[str] | str) -> str:
    with pytest.raises(PagerDrillError) as caught:
        scope.parts(features)
    return str(caught.value)


def test_a_service_loses_what_the_caller_may_not_see() -> None:
    assert _names(Scope(ALL, NO_PERSONAL_DATA).parts("churn")) == ["profile:age", "sales:sum_7d", "doubles:doubled"]
    assert _names(Scope(ALL, EMAIL).parts("churn"))[:3] == ["profile:age", "profile:mailbox", "profile:mailbox_two"]
    assert _names(Scope(ALL, EMAIL).parts("letters")) == ["profile:mailbox", "mail_facts:domain_length"]
    assert _names(Scope(ALL, EVERYTHING).parts("border")) == ["vault:passport"]


def test_a_service_of_which_nothing_is_left_is_an_unknown_service() -> None:
    scope = Scope(ALL, NO_PERSONAL_DATA)
    assert _refusal(scope, "border") == _refusal(scope, "bordex").replace("bordex", "border")
    assert "letters" not in _refusal(scope, "lettres")


@pytest.mark.parametrize("hidden", ["profile:mailbox", "vault:passport", "mail_facts:domain_length"])
def test_a_hidden_feature_and_one_that_does_not_exist_get_the_same_answer(hidden: str) -> None:
    scope = Scope(ALL, NO_PERSONAL_DATA)
    view, _, feature = hidden.partition(":")
    if view in scope.definitions.views:
        typed = f"{view}:zzzzzzz"
        assert _refusal(scope, [hidden]).replace(feature, "") == _refusal(scope, [typed]).replace("zzzzzzz", "")
    else:
        typed = f"zzzzzzz:{feature}"
        assert _refusal(scope, [hidden]).replace(view, "") == _refusal(scope, [typed]).replace("zzzzzzz", "")
    assert scope.denied([hidden]) == 1
    assert scope.denied([typed]) == 0


def test_a_typing_error_close_to_a_hidden_name_is_not_corrected_to_it() -> None:
    assert "mailbox" not in _refusal(Scope(ALL, NO_PERSONAL_DATA), ["profile:mailbx"])
    assert 'did you mean "profile:mailbox"?' in _refusal(Scope(ALL, EMAIL), ["profile:mailbx"])


def test_parts_read_the_whole_view_so_that_rows_can_be_decoded() -> None:
    (part,) = Scope(ALL, NO_PERSONAL_DATA).parts(["profile:age"])
    assert isinstance(part, FeatureViewProjection)
    assert part.view is ALL.views["profile"]
    assert part.features == ("age",)


def test_what_is_computed_from_personal_data_is_personal() -> None:
    only_output = Visibility(frozenset(), frozenset(["mail_facts:domain_length"]))
    with pytest.raises(UnknownFeatureError):
        Scope(ALL, only_output).parts(["mail_facts:domain_length"])
    assert _names(Scope(ALL, EMAIL).parts(["mail_facts:domain_length"])) == ["mail_facts:domain_length"]


def test_a_service_that_was_never_applied_cannot_declare_a_field_harmless() -> None:
    forged = FeatureView(
        name="profile",
        source=profile().source,
        entities=profile().entities,
        schema=(Field(name="mailbox", dtype=String),),
    )
    scope = Scope(ALL, NO_PERSONAL_DATA)
    with pytest.raises(UnknownFeatureError):
        scope.parts(FeatureService("mine", (forged,)))
    assert scope.denied(FeatureService("mine", (forged,))) == 1
    assert _names(Scope(ALL, EMAIL).parts(FeatureService("mine", (forged,)))) == ["profile:mailbox"]
    assert _names(scope.parts(FeatureService("border", (profile()[["age"]],)))) == ["profile:age"]


def test_the_narrowed_declarations_hold_nothing_hidden() -> None:
    narrowed = Scope(ALL, NO_PERSONAL_DATA).definitions
    assert sorted(narrowed.views) == ["profile", "sales"]
    assert narrowed.views["profile"].feature_names == ("age",)
    assert sorted(narrowed.on_demand) == ["doubles"]
    assert sorted(narrowed.services) == ["churn", "turnover"]
    assert "vault" not in narrowed.sources
    assert secrets().source.name in Scope(ALL, EVERYTHING).definitions.sources
    assert sorted(narrowed.entities) == ["shop", "user"]


def test_denied_counts_what_a_service_lost() -> None:
    scope = Scope(ALL, NO_PERSONAL_DATA)
    assert scope.denied("churn") == 3
    assert scope.denied("letters") == 3
    assert scope.denied("turnover") == 0
    assert scope.denied("nothing") == 0
    assert scope.denied(ALL.services["churn"]) == 3
    assert Scope(ALL, EVERYTHING).denied("churn") == 0


def test_scopes_are_shared_by_those_who_see_the_same_and_end_with_the_grant() -> None:
    grants = [grant(), grant(role="second"), *(grant(role=f"r{n}", expires_us=NOW_US + n) for n in range(1, 400))]
    scopes = Scopes(ALL, Grants(grants))
    first = scopes.of("support", "tickets", NOW_US)
    assert scopes.of("second", "tickets", NOW_US) is first
    assert scopes.of("nobody", "", NOW_US) is scopes.of("anybody", "x", NOW_US)
    after = scopes.of("support", "tickets", NOW_US + HOUR_US)
    assert after.definitions.views["profile"].feature_names == ("age",)
    for number in range(1, 400):
        scopes.of(f"r{number}", "tickets", NOW_US)
    assert len(scopes._held) <= SCOPES_MAX

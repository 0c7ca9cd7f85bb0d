"""Grants: who sees personal data, why and until when."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from reference_platform.features.governance.access import EVERYTHING, FOREVER_US, NO_PERSONAL_DATA, Grants, describe
from tests.unit.reference_platform.features.governance.people import HOUR_US, NOW_US, everything, grant, profile

VIEW = profile()


def _seen(grants: Grants, role: str, purpose: str, now_us: int = NOW_US) -> list[str]:
    visible = grants.visible(role, purpose, now_us)
    return [field.name for field in VIEW.schema if visible(VIEW, field)]


def test_without_a_grant_only_what_is_not_personal_is_visible() -> None:
    assert _seen(Grants(), "support", "tickets") == ["age"]
    assert _seen(Grants([grant()]), "", "") == ["age"]
    assert Grants().visible("anybody", "anything", NOW_US) is NO_PERSONAL_DATA
    assert NO_PERSONAL_DATA.valid_until_us == FOREVER_US


def test_a_grant_holds_for_its_role_and_its_purpose_only() -> None:
    grants = Grants([grant()])
    assert _seen(grants, "support", "tickets") == ["age", "mailbox", "mailbox_two"]
    assert _seen(grants, "support", "marketing") == ["age"]
    assert _seen(grants, "supporter", "tickets") == ["age"]


def test_a_grant_ends_at_its_expiry_and_the_answer_says_when_to_ask_again() -> None:
    grants = Grants([grant(), grant(pii=("phone",), expires_us=NOW_US + 2 * HOUR_US)])
    visible = grants.visible("support", "tickets", NOW_US)
    assert visible.valid_until_us == NOW_US + HOUR_US
    assert _seen(grants, "support", "tickets", NOW_US + HOUR_US - 1) == ["age", "mailbox", "mailbox_two", "mobile_no"]
    assert _seen(grants, "support", "tickets", NOW_US + HOUR_US) == ["age", "mobile_no"]
    assert grants.visible("support", "tickets", NOW_US + HOUR_US).valid_until_us == NOW_US + 2 * HOUR_US
    assert _seen(grants, "support", "tickets", NOW_US + 2 * HOUR_US) == ["age"]


def test_a_renewed_grant_does_not_end_with_the_first() -> None:
    grants = Grants([grant(), grant(expires_us=NOW_US + 2 * HOUR_US)])
    assert _seen(grants, "support", "tickets", NOW_US + HOUR_US) == ["age", "mailbox", "mailbox_two"]


def test_a_single_feature_can_be_granted_without_its_class() -> None:
    grants = Grants([grant(pii=(), features=("profile:mailbox_two", "other:mobile_no"))])
    assert _seen(grants, "support", "tickets") == ["age", "mailbox_two"]


def test_the_same_rights_are_the_same_key_for_a_cache_of_plans() -> None:
    grants = Grants([grant(), grant(role="second")])
    first = grants.visible("support", "tickets", NOW_US)
    assert first == grants.visible("second", "tickets", NOW_US)
    assert len({first, grants.visible("second", "tickets", NOW_US), NO_PERSONAL_DATA, EVERYTHING}) == 3


@pytest.mark.parametrize(
    "changed",
    [{"role": " "}, {"purpose": ""}, {"reason": ""}, {"granted_by": ""}, {"pii": ()}, {"pii": ("",)},
     {"features": ("no-colon",)}, {"features": ("view@v2:x",)}],
)  # fmt: skip
def test_a_grant_of_nothing_to_nobody_or_for_nothing_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ContentError):
        grant(**changed)


def test_a_grant_of_what_is_not_declared_is_an_error_with_the_nearest_name() -> None:
    Grants([grant(features=("profile:mobile_no",))]).check(everything())
    with pytest.raises(ContentError, match="no field has pii") as caught:
        Grants([grant(pii=("emial",))]).check(everything())
    assert caught.value.fix == 'did you mean "email"?'
    with pytest.raises(ContentError, match="no such feature") as caught:
        Grants([grant(features=("profile:mobile",))]).check(everything())
    assert caught.value.fix == 'did you mean "profile:mobile_no"?'


TEXT = """\
grants:
  - role: support
    purpose: tickets
    pii: [email]
    features: ["profile:mobile_no"]
    expires: "2026-12-31T00:00:00+01:00"
    granted_by: privacy
    reason: T-1
"""


def test_grants_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "grants.yaml"
    path.write_text(TEXT, encoding="utf-8")
    grants = Grants.from_yaml(path)
    (only,) = grants
    assert len(grants) == 1
    assert only == grant(features=("profile:mobile_no",), expires_us=1_798_671_600_000_000)
    assert grants.expiring(only.expires_us, only.expires_us + 1) == (only,)
    assert grants.expiring(only.expires_us + 1, FOREVER_US) == ()
    assert describe(only) == (
        "support for tickets: class email, profile:mobile_no; until 2026-12-30T23:00:00+00:00; by privacy: T-1"
    )


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("2026-12-31T00:00:00+01:00", "2026-12-31T00:00:00", "6:14", "without a zone"),
        ("2026-12-31T00:00:00+01:00", "tomorrow", "6:14", "not an instant"),
        ("profile:mobile_no", "mobile_no", "5:16", "not a feature reference"),
        ("role: support", 'role: "  "', "2:11", "match pattern"),
        ("reason", "raeson", "8:5", 'unknown key "raeson"'),
        ("    pii: [email]\n    features: [\"profile:mobile_no\"]\n", "", "2:5", "grants nothing"),
    ],
)  # fmt: skip
def test_errors_in_a_file_of_grants_say_where(old: str, new: str, where: str, what: str) -> None:
    with pytest.raises(ContentError) as caught:
        Grants.from_text(TEXT.replace(old, new), "grants.yaml")
    assert caught.value.where == f"grants.yaml:{where}"
    assert what in str(caught.value)

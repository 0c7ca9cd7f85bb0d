"""Writers are not taught what a grant hides."""

from __future__ import annotations

from reference_platform.errors import CommandError
from reference_platform.features import Entity, FeatureView, Field, PushSource, String, UnknownFeatureError
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.live.public_words import PublicWords

PERSON = Entity("person")
CONTACTS = FeatureView(
    name="contacts",
    source=PushSource(name="crm"),
    entities=(PERSON,),
    schema=(Field(name="email", dtype=String, pii="email"),),
)
ACTIVITY = FeatureView(
    name="activity", source=PushSource(name="web"), entities=(PERSON,), schema=(Field(name="page", dtype=String),)
)
WORDS = PublicWords(lambda: DefinitionSet.of([CONTACTS, ACTIVITY]))


def test_suggestions_name_only_what_everybody_may_see() -> None:
    """A view of nothing but personal data does not exist."""
    assert "contacts" not in WORDS(UnknownFeatureError("view", "contact", ["contacts", "activity"]))
    assert 'did you mean "activity"?' in WORDS(UnknownFeatureError("view", "activty", ["contacts", "activity"]))
    assert "crm" not in WORDS(UnknownFeatureError("push source", "cr", ["crm", "web"]))


def test_a_hidden_column_is_not_named() -> None:
    """That something is missing is said; what it is called is not."""
    told = WORDS(CommandError('contacts: column "email" is missing', fix='did you mean "email"?'))
    assert "email" not in told
    assert "is missing" in told

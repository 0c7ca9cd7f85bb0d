"""Names for what may not be named: metadata that others keep says `pii:email` where a field is hidden from them.

Lineage, the audit and everything that leaves the store as text goes through here. A hidden field appears as its class
of personal data, numbered when a view has several of one class. No feature can be declared under such a name, since
names hold no colon. Free text (descriptions, tags) keeps its words except for hidden names, which become `[withheld]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView, Field
from reference_platform.features.governance.access import NO_PERSONAL_DATA, Visibility
from reference_platform.features.on_demand import OnDemandFeatureView

WITHHELD = "[withheld]"
AnyView = FeatureView | OnDemandFeatureView
Visible = Callable[[AnyView, Field], bool]


class Redaction:
    """What to call everything in `definitions` for readers who may see `visible`; without it, nothing personal."""

    def __init__(self, definitions: DefinitionSet, visible: Visibility = NO_PERSONAL_DATA) -> None:
        self._public: dict[str, Mapping[str, str]] = {}
        views: list[AnyView] = [*definitions.views.values(), *definitions.on_demand.values()]
        for view in views:
            hidden = {field.name: _class_of(view, field, visible) for field in view.schema}
            self._public[view.name] = _numbered({name: kind for name, kind in hidden.items() if kind})
        self._withhold = _withholder(name for names in self._public.values() for name in names)

    def feature(self, view: str, feature: str) -> str:
        """What the feature of a declared view is called in public. Hidden: its class."""
        return self._public[view].get(feature, feature) if view in self._public else feature

    def is_hidden(self, view: str, feature: str) -> bool:
        """Whether the name is withheld."""
        return view in self._public and feature in self._public[view]

    def reference(self, text: str) -> str:
        """`view:feature` with a hidden feature replaced by its class."""
        view, _, feature = text.partition(":")
        return f"{view}:{self.feature(view, feature)}"

    def text(self, words: str) -> str:
        """Free text without the names of hidden features."""
        return self._withhold(words)


def inherited_class(view: OnDemandFeatureView, visible: Visible) -> str:
    """The class of the first hidden field that `view` reads; empty when it reads none."""
    for part in view.projections:
        for name in part.features:
            field = part.view.field(name)
            if not visible(part.view, field):
                return field.pii
    return ""


def _class_of(view: AnyView, field: Field, visible: Visible) -> str:
    """The class under which a field is hidden; empty when it is visible."""
    if not visible(view, field):
        return field.pii
    return inherited_class(view, visible) if isinstance(view, OnDemandFeatureView) else ""


def _numbered(classes: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, int] = {}
    public: dict[str, str] = {}
    for name, kind in classes.items():
        found[kind] = found.get(kind, 0) + 1
        public[name] = f"pii:{kind}" if found[kind] == 1 else f"pii:{kind}:{found[kind]}"
    return public


def _withholder(names: Iterable[str]) -> Callable[[str], str]:
    longest_first = sorted(set(names), key=lambda name: (-len(name), name))
    if not longest_first:
        return lambda words: words
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return lambda words: pattern.sub(WITHHELD, words)

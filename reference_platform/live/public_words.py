"""What writers may be told: they need no grant to hand rows over, so errors must not teach them what a grant hides."""

from __future__ import annotations

from collections.abc import Callable

from reference_platform.errors import PagerDrillError
from reference_platform.features.definition_set import DefinitionSet, UnknownFeatureError
from reference_platform.features.governance.access import NO_PERSONAL_DATA
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.scope import Scope


class PublicWords:
    """Says errors without the names of personal features, and suggests only what everybody may see."""

    def __init__(self, definitions: Callable[[], DefinitionSet]) -> None:
        self._definitions = definitions

    def __call__(self, error: PagerDrillError) -> str:
        """The message of `error`."""
        definitions = self._definitions()
        if not isinstance(error, UnknownFeatureError):
            return Redaction(definitions).text(str(error))
        seen = Scope(definitions, NO_PERSONAL_DATA).definitions
        known = {
            "view": [*seen.views, *seen.on_demand],
            "service": list(seen.services),
            "push source": [view.source.name for view in seen.views.values()],
        }
        # What was asked for is the caller's own word and comes back as it is, whether or not it names something hidden.
        return str(UnknownFeatureError(error.kind, error.name, known.get(error.kind, ())))

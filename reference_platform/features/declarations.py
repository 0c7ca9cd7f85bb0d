"""What is applied, and the only way to change it: plan, check, write down, replace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reference_platform.features.definition_set import DefinitionSet, FeatureObject
from reference_platform.features.definitions import FeatureView
from reference_platform.features.governance.lineage import Lineage
from reference_platform.features.governance.plan import FeaturePlan, plan
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.uses import ModelUse
from reference_platform.features.ledgers import Ledgers
from reference_platform.features.registry_file import Applied, RegistryFile
from reference_platform.features.stream_views import StreamFeatureView

Uses = Callable[[], Sequence[ModelUse]]


class Declarations:
    """The declarations of one store. Other processes' changes are seen at the next `refresh`."""

    def __init__(self, file: RegistryFile, project: str, ledgers: Ledgers, uses: Uses) -> None:
        """Raises ConfigError when the registry file is damaged."""
        self._file = file
        self._project = project
        self._ledgers = ledgers
        self._uses = uses
        self._stamp = file.stamp()
        self._applied = file.read()

    @property
    def current(self) -> DefinitionSet:
        """What was applied when last looked."""
        return self._applied.definitions

    def refresh(self) -> bool:
        """Look whether another process applied something; True if so."""
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return False
        self._applied = self._file.read()
        self._stamp = stamp
        return True

    def plan(self, after: DefinitionSet, override: str = "") -> FeaturePlan:
        """What replacing everything by `after` would do, and whom it would hit."""
        return plan(self.current, after, self._uses(), override=override)

    def apply(
        self,
        wanted: DefinitionSet,
        gone: Iterable[FeatureObject],
        *,
        keep_others: bool,
        override: str,
        now_us: int,
        prepare: Callable[[DefinitionSet, DefinitionSet], None] = lambda *_: None,
    ) -> FeaturePlan:
        """Replace the declarations. Raises ContentError for contradictions and CommandError for a refused plan.

        `prepare` gets what was and what will be, when nothing stands against it any more and before it is in force.
        """
        with self._file.locked():
            self.refresh()
            before = self._applied
            after = before.definitions.merged(wanted) if keep_others else wanted
            after = after.without(gone)
            found = self.plan(after, override)
            found.require_allowed()
            found.record_override(self._ledgers.audit, Redaction(before.definitions), at_us=now_us)
            prepare(before.definitions, after)
            # What was handed over keeps its code, also code that the file cannot point at.
            self._applied = Applied(before.version + 1, after, now_us)
            self._file.write(self._applied)
            self._stamp = self._file.stamp()
        if not found.empty:
            self._ledgers.lineage(Lineage(self._project, after).applied(now_us))
        return found

    def forget(self) -> None:
        """Nothing is applied any more; the file is somebody else's to delete."""
        self._applied = Applied(0, DefinitionSet(), 0)
        self._stamp = self._file.stamp()


def stale_views(before: DefinitionSet, after: DefinitionSet) -> list[str]:
    """Views whose rows online mean nothing under `after`: those that go, and those computed otherwise.

    Of two equally new rows a store keeps either, so that writing all again would not replace what old code computed.
    """
    return [
        name
        for name, view in before.views.items()
        if name not in after.views or _computed(after.views[name]) != _computed(view)
    ]


def _computed(view: FeatureView) -> tuple[object, ...]:
    """How the values come about, as far as a store of rows cannot see it."""
    if not isinstance(view, StreamFeatureView):
        return (view.code_sha256,)
    keys = (view.join_keys, view.key_types)
    return (view.code_sha256, *keys, view.aggregations, view.event_id, view.allowed_lateness)

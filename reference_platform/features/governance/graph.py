"""What depends on what: sources, features, services and model versions as one graph, walked in either direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from reference_platform.features.definition_set import DefinitionSet, UnknownFeatureError
from reference_platform.features.governance.access import NO_PERSONAL_DATA, Visibility
from reference_platform.features.governance.edits import references, source_names
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.uses import ModelUse, resolved_uses


@dataclass(frozen=True, slots=True)
class Downstream:
    """What a feature reaches: features computed from it, services that offer any of these, uses that read any."""

    features: tuple[str, ...]
    services: tuple[str, ...]
    models: tuple[ModelUse, ...]


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a model version stands on: features it reads or that those are computed from, their views and sources."""

    features: tuple[str, ...]
    views: tuple[str, ...]
    sources: tuple[str, ...]
    services: tuple[str, ...]


class LineageGraph:
    """Built once from declarations and uses; every query costs what it returns, not what is declared.

    Hidden features are nodes under their class (`profile:pii:email`) and cannot be asked for by name, unless `visible`
    says otherwise; `access.EVERYTHING` is for the operator.
    """

    def __init__(
        self, definitions: DefinitionSet, uses: Iterable[ModelUse] = (), *, visible: Visibility = NO_PERSONAL_DATA
    ) -> None:
        public = Redaction(definitions, visible).reference
        known = [name for view in definitions.views.values() for name in references(view)]
        known += [name for view in definitions.on_demand.values() for name in references(view)]
        self._sources: dict[str, tuple[str, ...]] = {}
        self._computed: dict[str, list[str]] = {}
        self._inputs: dict[str, tuple[str, ...]] = {}
        for view in definitions.views.values():
            self._sources |= dict.fromkeys(map(public, references(view)), source_names(view.source))
        for computed in definitions.on_demand.values():
            inputs = tuple(public(f"{p.view.name}:{name}") for p in computed.projections for name in p.features)
            for made in map(public, references(computed)):
                self._inputs[made] = inputs
                self._sources[made] = ()
                for name in inputs:
                    self._computed.setdefault(name, []).append(made)
        self._offered: dict[str, list[str]] = {}
        self._services = {
            name: frozenset(map(public, references(service))) for name, service in definitions.services.items()
        }
        for name, offered in self._services.items():
            for feature in offered:
                self._offered.setdefault(feature, []).append(name)
        ordered = sorted(uses, key=lambda use: (use.model, use.version, use.alias))
        self._ordered = ordered
        self._uses: dict[tuple[str, int], tuple[frozenset[str], str]] = {}
        self._readers: dict[str, list[int]] = {}
        hidden = {name: shown for name in known if (shown := public(name)) != name}
        for index, (use, read) in enumerate(resolved_uses(ordered, definitions)):
            named = read if read.isdisjoint(hidden) else frozenset(hidden.get(name, name) for name in read)
            named |= self._services.get(use.service, frozenset())
            self._uses[use.model, use.version] = (named, use.service)
            for feature in named:
                self._readers.setdefault(feature, []).append(index)

    def downstream(self, feature: str) -> Downstream:
        """What `view:feature` reaches. Raises UnknownFeatureError for what is not declared or hidden."""
        if feature not in self._sources:
            raise UnknownFeatureError("feature", feature, _near(feature, self._sources))
        found = {feature: None} | dict.fromkeys(self._computed.get(feature, ()))
        services = {name for made in found for name in self._offered.get(made, ())}
        models = {index for made in found for index in self._readers.get(made, ())}
        del found[feature]
        return Downstream(
            tuple(sorted(found)), tuple(sorted(services)), tuple(self._ordered[index] for index in sorted(models))
        )

    def upstream(self, model: str, version: int) -> Upstream:
        """What a model version stands on. Raises CommandError for one of which nothing is known."""
        known = self._uses.get((model, version))
        if known is None:
            named = [f"{name} v{number}" for name, number in self._uses]
            raise CommandError(f'nothing is known of model "{model}" v{version}',
                               fix=nearest(f"{model} v{version}", _near(model, named)))  # fmt: skip
        read, service = known
        found = set(read).union(*(self._inputs.get(name, ()) for name in read))
        return Upstream(
            tuple(sorted(found)),
            tuple(sorted({name.partition(":")[0] for name in found})),
            tuple(sorted({source for name in found for source in self._sources.get(name, ())})),
            (service,) if service in self._services else (),
        )


NEAR_MAX = 1000


def _near(name: str, names: Iterable[str] | Mapping[str, object]) -> list[str]:
    """Those that begin alike, so that looking for the nearest spelling stays quick among very many."""
    head = name[:2]
    alike = [known for known in names if known.startswith(head)]
    return (alike or list(names))[:NEAR_MAX]

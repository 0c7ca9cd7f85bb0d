"""The catalogue: everything declared, searchable, as one role may see it.

What the role may not see is absent, so a catalogue shows no more than a read would (see `scope`); free text loses the
names of hidden features. Personal fields that are visible show their class, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

import orjson

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView
from reference_platform.features.governance.access import NO_PERSONAL_DATA, Visibility
from reference_platform.features.governance.catalogue_entry import Entry
from reference_platform.features.governance.catalogue_page import page
from reference_platform.features.governance.edits import length_text
from reference_platform.features.governance.redaction import AnyView, Redaction
from reference_platform.features.governance.scope import Scope
from reference_platform.features.governance.uses import ModelUse, resolved_uses
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import Part
from reference_platform.features.sources import FileSource, KafkaSource, PushSource, Source

Thing = TypeVar("Thing")
WORDS_MAX = 16
WIDTH_MAX = 48
_COLUMNS = ("kind", "name", "dtype", "owner", "sla", "ttl", "pii", "models", "description")


class Catalogue:
    """Entries sorted by kind and name: entities, sources, views, on-demand views, features, services."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)

    @classmethod
    def of(
        cls,
        definitions: DefinitionSet,
        uses: Iterable[ModelUse] = (),
        *,
        visible: Visibility = NO_PERSONAL_DATA,
    ) -> Catalogue:
        """The catalogue of `definitions` for who may see `visible`, with the model versions that read each feature."""
        seen = Scope(definitions, visible).definitions
        readers: dict[str, dict[str, None]] = {}
        for use, read in resolved_uses(uses, definitions):
            for reference in read:
                readers.setdefault(reference, {})[str(use)] = None
        maker = _Maker(seen, readers)
        hide = Redaction(definitions, visible).text
        return cls(_without_names(entry, hide) for entry in maker.entries())

    def search(self, query: str) -> tuple[Entry, ...]:
        """Entries that match every word of `query`, best first: names before tags before descriptions, then by name.

        Without a word, everything. Words after the sixteenth are not looked at.
        """
        words = query.casefold().split()[:WORDS_MAX]
        if not words:
            return self.entries
        found = []
        for entry in self.entries:
            fits = [entry.matches(word) for word in words]
            if all(fits):
                found.append((-sum(fits), entry.name, entry.kind, entry))
        return tuple(entry for *_, entry in sorted(found, key=lambda item: item[:3]))

    def to_json(self) -> bytes:
        """A list of objects, one an entry; tags as an object."""
        return orjson.dumps([asdict(entry) | {"tags": dict(entry.tags)} for entry in self.entries])

    def to_text(self) -> str:
        """A table for people; long cells are cut."""
        rows = [_COLUMNS, *(tuple(_cell(entry, column) for column in _COLUMNS) for entry in self.entries)]
        kept = [index for index in range(len(_COLUMNS)) if any(row[index] for row in rows[1:])] or [0, 1]
        widths = {index: max(len(row[index]) for row in rows) for index in kept}
        lines = ["  ".join(row[index].ljust(widths[index]) for index in kept).rstrip() for row in rows]
        return "\n".join([*lines, f"{len(self.entries)} entries"])

    def to_html(self, title: str = "Feature catalogue") -> str:
        """One page that needs nothing else; see `catalogue_page`."""
        return page(self.entries, title)


class _Maker:
    def __init__(self, definitions: DefinitionSet, readers: dict[str, dict[str, None]]) -> None:
        self._definitions = definitions
        self._readers = readers

    def entries(self) -> list[Entry]:
        views: list[AnyView] = [*_sorted(self._definitions.views), *_sorted(self._definitions.on_demand)]
        return [
            *(
                Entry(
                    kind="entity",
                    name=entity.name,
                    owner=entity.owner,
                    description=entity.description,
                    tags=_tags(entity.tags),
                    dtype=str(entity.key_type),
                    entities=entity.join_keys,
                )
                for entity in _sorted(self._definitions.entities)
            ),
            *(self._source(source) for source in _sorted(self._definitions.sources)),
            *(self._view(view) for view in views),
            *(entry for view in views for entry in self._features(view)),
            *(
                Entry(
                    kind="service",
                    name=service.name,
                    owner=service.owner,
                    description=service.description,
                    tags=_tags(service.tags),
                    features=_part_names(service.features),
                    models=self._models(_part_names(service.features)),
                )
                for service in _sorted(self._definitions.services)
            ),
        ]

    def _source(self, source: Source) -> Entry:
        where = source.path if isinstance(source, FileSource) else ""
        if isinstance(source, KafkaSource):
            where = f"topic {source.topic}" if source.topic else ""
        batch = source.batch_source.name if isinstance(source, PushSource | KafkaSource) and source.batch_source else ""
        return Entry(
            kind="source",
            name=source.name,
            owner=source.owner,
            description=source.description,
            dtype=type(source).__name__,
            source=where or batch,
        )

    def _view(self, view: AnyView) -> Entry:
        names = tuple(f"{view.name}:{name}" for name in view.feature_names)
        common = Entry(
            kind="on-demand view",
            name=view.name,
            owner=view.owner,
            description=view.description,
            tags=_tags(view.tags),
            features=names,
            models=self._models(names),
        )
        if isinstance(view, OnDemandFeatureView):
            return replace(common, source=", ".join(source.name for source in view.sources))
        return replace(
            common,
            kind="feature view",
            dtype=type(view).__name__,
            ttl=_ttl(view),
            sla=length_text(view.freshness_sla) if view.freshness_sla else "",
            source=view.source.name,
            entities=tuple(entity.name for entity in view.entities),
        )

    def _features(self, view: AnyView) -> list[Entry]:
        about = self._view(view)
        return [
            Entry(
                kind="feature",
                name=f"{view.name}:{field.name}",
                owner=view.owner,
                description=field.description,
                tags=_tags(field.tags),
                dtype=str(field.dtype),
                unit=field.unit,
                pii=field.pii,
                ttl=about.ttl,
                sla=about.sla,
                source=about.source,
                entities=about.entities,
                models=self._models((f"{view.name}:{field.name}",)),
            )
            for field in view.schema
        ]

    def _models(self, references: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({name for reference in references for name in self._readers.get(reference, ())}))


def _without_names(entry: Entry, hide: Callable[[str], str]) -> Entry:
    tags = tuple((hide(key), hide(value)) for key, value in entry.tags)
    return replace(entry, description=hide(entry.description), tags=tags)


def _sorted(things: Mapping[str, Thing]) -> list[Thing]:
    return [things[name] for name in sorted(things)]


def _tags(tags: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((tags or {}).items()))


def _ttl(view: FeatureView) -> str:
    return length_text(view.ttl) if view.ttl else "forever"


def _part_names(parts: Sequence[Part]) -> tuple[str, ...]:
    """What a service gives, by the declared names of the views."""
    return tuple(
        f"{part.name if isinstance(part, OnDemandFeatureView) else part.view.name}:{name}"
        for part in parts
        for name in (part.feature_names if isinstance(part, OnDemandFeatureView) else part.features)
    )


def _cell(entry: Entry, column: str) -> str:
    value = getattr(entry, column)
    text = " ".join((", ".join(value) if isinstance(value, tuple) else value).split())
    return text if len(text) <= WIDTH_MAX else text[: WIDTH_MAX - 3] + "..."

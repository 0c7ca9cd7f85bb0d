"""The store's own sorted copies of history: made when asked for, used while the history is what they were made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reference_platform.features.history import ViewHistory
from reference_platform.features.join.sorted_layout import Manifest, SortedLayout, Unusable, compact, open_layout


class SortedCopies:
    """The copies in `folder`, one per view. A copy is checked to the last byte when it is opened, once a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[str, SortedLayout]] = {}

    def of(self, history: ViewHistory) -> SortedLayout | Unusable:
        """The copy of a view's history, or why there is none to use."""
        name = history.view.name
        folder = self._folder / name
        if not folder.exists():
            return Unusable("there is no sorted copy")
        fingerprint = self._fingerprint(history)
        held = self._open.get(name)
        if held is not None and held[0] == fingerprint:
            return held[1]
        found = open_layout(folder, fingerprint)
        if isinstance(found, SortedLayout):
            self._open[name] = (fingerprint, found)
        return found

    def compact(self, history: ViewHistory) -> Manifest:
        """Make the copy of a view's history anew. Raises CommandError for keys that cannot be sorted."""
        fingerprint = self._fingerprint(history)
        folder = self._folder / history.view.name
        self._open.pop(history.view.name, None)
        return compact(folder, history, history.columns, fingerprint, total_rows=history.rows())

    def _fingerprint(self, history: ViewHistory) -> str:
        return hashlib.sha256(history.fingerprint().encode()).hexdigest()

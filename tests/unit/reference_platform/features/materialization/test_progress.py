"""What is noted of runs, by several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reference_platform.features.materialization.progress import Kept, ProgressFolder


def test_threads_that_note_progress_at_once_do_not_take_each_others_files(tmp_path: Path) -> None:
    folder = ProgressFolder(tmp_path)

    def note(number: int) -> int:
        folder.save("view", Kept(None, number))
        return folder.load("view").finished_runs

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(note, range(200)))
    assert all(0 <= number < 200 for number in seen)
    assert [path.name for path in tmp_path.iterdir()] == ["view.json"]

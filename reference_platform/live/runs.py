"""Materialisations that were started and not waited for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson

from reference_platform.live.endpoint import Reply, refusal

WAITING_MAX = 16
"""Runs that may wait for a thread; beyond it, a request is told to come back."""


class RunsInProgress:
    """Which views are being run. One view is in one run at a time, unless somebody insists."""

    def __init__(self, threads_max: int) -> None:
        self._threads = ThreadPoolExecutor(threads_max, thread_name_prefix="materialize")
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._runs = 0

    def start(self, views: Sequence[str], run: Callable[[], None], *, force: bool) -> Reply:
        """Begin `run` soon: 202. 409 when one of `views` is being run and `force` does not say to do it anyway."""
        with self._lock:
            busy = [view for view in views if self._busy[view]]
            if busy and not force:
                told = f"already being materialised: {', '.join(busy)}; wait, or add ?force=true"
                return _reply(409, {"error": told, "feature_views": busy})
            if self._runs >= WAITING_MAX:
                told = f"{self._runs} materialisations are waiting already; come back later"
                return _reply(409, {"error": told, "feature_views": list(views)})
            self._runs += 1
            self._busy.update(views)
        self._threads.submit(self._one, tuple(views), run)
        return _reply(202, {"status": "accepted", "feature_views": list(views)})

    def _one(self, views: tuple[str, ...], run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001  (nobody waits for it: the log and the counters are all that tell)
            refusal(error)
        finally:
            with self._lock:
                self._busy.subtract(views)
                self._runs -= 1

    def close(self, *, wait: bool = False) -> None:
        """Start no more. Those that run are not waited for unless `wait`: a run that is cut off goes on next time."""
        self._threads.shutdown(wait=wait, cancel_futures=True)


def _reply(status: int, body: dict[str, object]) -> Reply:
    return Reply(status, orjson.dumps(body))

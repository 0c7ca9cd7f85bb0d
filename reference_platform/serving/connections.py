"""Connections of the online feature store: who holds how many, and what that does to a read.

The store accepts `connections_max`. Model servers want `serving_connections`; idle ones are closed at night, and then
whoever asks first has them. A client that
leaks opens cursors and never closes them, so every connection it holds also makes the others' reads slower. A store
that restarts drops every connection, and clients open theirs again within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reference_platform.spec import OnlineStoreSpec

CURSOR_COST_RATIO = 0.03
"""Growth of the mean read time per open leaked cursor (each holds a snapshot that every read must skip over)."""
RECONNECT_S = 15.0
"""A client with a pool reopens all of it within this time after the store restarts or closes its connections."""
REAP_S = 20.0
"""The store notices within this time that a client's process is gone, and frees its connections."""
WANTS_MAX = 10_000.0
RESUME_RATIO = 20.0
"""A job that starts again resumes from its checkpoint and opens this many times faster what it had open before;
beyond that it leaks at its usual pace."""


Fsync = Literal["everysec", "always", "no"]
FSYNC_MODES: tuple[Fsync, ...] = ("everysec", "always", "no")
FSYNC_DEFAULT: Fsync = "everysec"
"""When the store forces its log to disk: once a second beside the work, within every write, or when the system likes.
Source: Redis documentation, "Redis persistence"."""
SYNC_S = 0.008
"""Mean time that a read spends behind the syncs of other clients' writes, on a disk as it should be."""


@dataclass(slots=True)
class Client:
    """A client besides the model servers. `leak_per_s` is how fast it opens connections it never closes."""

    name: str
    leak_per_s: float
    wants: float
    running: bool
    resumes: float = 0.0
    """How many connections it had open when its last process ended."""
    stopped_s: float = 0.0
    dropped_s: float = -1e9
    """When an operator last closed its connections."""

    def grow(self, elapsed_s: float) -> None:
        """Open what its last process had, fast, and then leak on."""
        pace = self.leak_per_s * RESUME_RATIO
        missing = self.resumes - self.wants
        fast_s = 0.0 if missing <= 0.0 or not pace else min(elapsed_s, missing / pace)
        grown = fast_s * pace + (elapsed_s - fast_s) * self.leak_per_s
        self.wants = min(self.wants + grown, WANTS_MAX)


class ConnectionPool:
    """The store's connection table. `tick` moves it to `now_s`."""

    def __init__(self, spec: OnlineStoreSpec) -> None:
        self.connections_max = spec.connections_max
        self._serving = spec.serving_connections
        self._read_s = spec.read
        self._clients: dict[str, Client] = {}
        self._now_s = 0.0
        self._up_since_s = -1e9
        self.up = True
        self.fsync: Fsync = FSYNC_DEFAULT
        self._sync_s = SYNC_S

    def add_client(self, name: str, leak_per_s: float, now_s: float) -> None:
        """A client is known; it connects when its process starts."""
        self.tick(now_s)
        self._clients[name] = Client(name, leak_per_s, 0.0, running=False)

    def client_stopped(self, name: str, now_s: float) -> None:
        """The client's process is gone."""
        self.tick(now_s)
        client = self._clients.get(name)
        if client and client.running:
            client.running = False
            client.resumes = max(client.resumes, client.wants)
            client.stopped_s = now_s

    def client_started(self, name: str, now_s: float) -> None:
        """A new process of the client: an empty pool, and the same leak, faster when it resumes work."""
        self.tick(now_s)
        client = self._clients.get(name)
        if client and not client.running:
            client.running = True
            client.wants = 0.0

    def drop_client(self, name: str, now_s: float) -> int:
        """An operator closes the client's connections, and gets their number. A running process opens them again."""
        self.tick(now_s)
        closed = self.held().get(name, 0)
        client = self._clients.get(name)
        if client:
            client.dropped_s = now_s
            client.wants = client.wants if client.running else 0.0
        return closed

    def restart(self, up: bool, now_s: float) -> None:
        """The store's process ended (`up` False) or is back (True)."""
        self.tick(now_s)
        self.up = up
        if up:
            self._up_since_s = now_s
            self.fsync = FSYNC_DEFAULT  # set at run time only, so the file still says otherwise

    def tick(self, now_s: float) -> None:
        """Let clients leak until `now_s`."""
        elapsed = now_s - self._now_s
        self._now_s = now_s
        if elapsed <= 0:
            return
        for client in self._clients.values():
            if client.running:
                client.grow(elapsed)
            elif now_s - client.stopped_s >= REAP_S:
                client.wants = 0.0

    def held(self) -> dict[str, int]:
        """Connections per client besides serving."""
        if not self.up:
            return dict.fromkeys(self._clients, 0)
        room = self.connections_max
        held: dict[str, int] = {}
        for client in self._clients.values():
            reopened = min(1.0, (self._now_s - max(self._up_since_s, client.dropped_s)) / RECONNECT_S)
            held[client.name] = min(room, int(client.wants * reopened))
            room -= held[client.name]
        return held

    def reopened_s(self, name: str) -> float:
        """When a running client has opened again what the store's restart or an operator last closed."""
        return max(self._up_since_s, self._clients[name].dropped_s) + RECONNECT_S

    def serving_connections(self) -> int:
        """Connections the model servers can have now."""
        if not self.up:
            return 0
        return min(self._serving, self.connections_max - sum(self.held().values()))

    def read_s(self) -> float:
        """Mean time of one read now."""
        return self._read_s * (1.0 + CURSOR_COST_RATIO * sum(self.held().values())) + self.sync_s()

    def sync_s(self) -> float:
        """Mean time that a read spends behind syncs now."""
        return self._sync_s if self.fsync == "always" else 0.0

    def set_fsync(self, mode: Fsync, sync_s: float | None = None) -> None:
        """Change when the store syncs its log, until it restarts; `sync_s` is what a sync costs reads on its disk."""
        self.fsync = mode
        self._sync_s = self._sync_s if sync_s is None else sync_s

    def set_connections_max(self, connections_max: int, now_s: float) -> None:
        """An operator changes the limit."""
        self.tick(now_s)
        self.connections_max = connections_max

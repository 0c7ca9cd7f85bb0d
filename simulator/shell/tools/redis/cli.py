"""`redis-cli`: what Redis itself says of its clients, its memory and its work.

Source: Redis documentation, INFO, CLIENT LIST, DBSIZE and redis-cli, as of 7.2.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from hashlib import blake2b

from reference_platform.roles import STORE
from simulator.cluster.lifecycle import memory_bytes
from simulator.cluster.objects import Pod
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.network import address_of
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.redis.store import SERVING, down, holders, subjects_of_clients

VERSION = "7.2.4"
FIRST_PORT, PORTS = 32_768, 28_000
"""Ports that Linux hands out to clients. Source: ip_local_port_range."""
CONNECTION_BYTES = 22_424
ADMIN_SHARE = 0.25
"""How long an empty command takes against a read."""
Fields = list[tuple[str, object]]


def _words(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*", type=str.lower)


def _server_pod(op: Operator) -> Pod | None:
    return next(iter(op.plant.cluster.ready_pods(op.plant.spec.name_of(STORE))), None)


def _uptime_s(op: Operator) -> int:
    pod = _server_pod(op)
    return int(op.now_s - pod.started_s) if pod is not None else 0


def _server(op: Operator) -> Fields:
    up_s = _uptime_s(op)
    return [("redis_version", VERSION), ("redis_mode", "standalone"), ("os", "Linux 5.15.0-143-generic x86_64"),
            ("process_id", 1), ("tcp_port", 6379), ("uptime_in_seconds", up_s),
            ("uptime_in_days", up_s // 86_400)]  # fmt: skip


def _clients(op: Operator) -> Fields:
    # Nobody waits inside of a blocking command; who gets no connection waits at the client.
    return [("connected_clients", sum(holders(op).values())), ("cluster_connections", 0),
            ("maxclients", op.plant.pool.connections_max), ("client_recent_max_input_buffer", 20_480),
            ("client_recent_max_output_buffer", 0), ("blocked_clients", 0), ("tracking_clients", 0),
            ("clients_in_timeout_table", 0)]  # fmt: skip


def _human(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.2f}G" if size_bytes >= 2**30 else f"{size_bytes / 2**20:.2f}M"


def _memory(op: Operator) -> Fields:
    pod = _server_pod(op)
    rss = memory_bytes(pod, op.now_s) if pod is not None else 0
    limit = pod.template.memory_limit_bytes if pod is not None else 0
    used = int(rss / 1.06)
    return [("used_memory", used), ("used_memory_human", _human(used)), ("used_memory_rss", rss),
            ("used_memory_rss_human", _human(rss)), ("total_system_memory", limit), ("maxmemory", 0),
            ("maxmemory_human", "0B"), ("maxmemory_policy", "noeviction"), ("mem_fragmentation_ratio", "1.06"),
            ("mem_clients_normal", sum(holders(op).values()) * CONNECTION_BYTES),
            ("mem_allocator", "jemalloc-5.3.0")]  # fmt: skip


def _persistence(op: Operator) -> Fields:
    return [("loading", 0), ("rdb_bgsave_in_progress", 0), ("rdb_last_bgsave_status", "ok"), ("aof_enabled", 1),
            ("aof_rewrite_in_progress", 0), ("aof_last_bgrewrite_status", "ok"), ("aof_last_write_status", "ok"),
            ("aof_pending_bio_fsync", 0),
            ("aof_delayed_fsync", 0)]  # fmt: skip


def _rejected(op: Operator) -> int:
    """Connections that were refused: every client that gave up waiting for one, and those that wait now."""
    series = op.plant.store.select("feature_client_pool_timeouts_total")
    return int(sum(item.last_value for item in series)) + op.plant.plane.store_use().waiting


def _reads_per_s(op: Operator) -> float:
    series = op.plant.store.select("online_store_reads_total")
    course = series[0].course(op.now_s - 300.0, op.now_s) if series else None
    if course is None:
        return 0.0
    _, first_s, last_s, first, last, lost = course
    return (last - first + lost) / (last_s - first_s)


def _stats(op: Operator) -> Fields:
    reads = op.plant.plane.store_use().reads
    return [("total_connections_received", sum(holders(op).values()) + _rejected(op)),
            ("total_commands_processed", reads), ("instantaneous_ops_per_sec", round(_reads_per_s(op))),
            ("rejected_connections", _rejected(op)), ("expired_keys", 0), ("evicted_keys", 0),
            ("keyspace_hits", reads), ("keyspace_misses", 0), ("total_error_replies", 0)]  # fmt: skip


def _replication(op: Operator) -> Fields:
    return [("role", "master"), ("connected_slaves", 0), ("master_failover_state", "no-failover"),
            ("repl_backlog_active", 0)]  # fmt: skip


def _cpu(op: Operator) -> Fields:
    spent_s = op.plant.plane.store_use().reads * 1e-4
    return [("used_cpu_sys", f"{spent_s * 0.4:.6f}"), ("used_cpu_user", f"{spent_s * 0.6:.6f}")]


def _command_stats(op: Operator) -> Fields:
    reads, usec = op.plant.plane.store_use().reads, op.plant.pool.read_s() * 1e6 * ADMIN_SHARE
    stats = f"calls={reads},usec={int(reads * usec)},usec_per_call={usec:.2f},rejected_calls=0,failed_calls=0"
    return [("cmdstat_hmget", stats)]


def keys(op: Operator) -> int:
    """One key for each entity of each view that was ever written."""
    return sum(len(op.plant.offline.latest(view.name)) for view in op.plant.views)


def _keyspace(op: Operator) -> Fields:
    return [("db0", f"keys={keys(op)},expires=0,avg_ttl=0,subexpiry=0")]


SECTIONS: dict[str, Callable[[Operator], Fields]] = {
    "Server": _server,
    "Clients": _clients,
    "Memory": _memory,
    "Persistence": _persistence,
    "Stats": _stats,
    "Replication": _replication,
    "CPU": _cpu,
    "Commandstats": _command_stats,
    "Keyspace": _keyspace,
}
"""In Redis' order."""
ALL_ONLY = ("Commandstats",)


@command("redis-cli info", "redis-cli info [SECTION...]", takes_s=1.5, configure=_words,
         looked=("upstream",), sight="connections")  # fmt: skip
def info(op: Operator, args: argparse.Namespace) -> Effect:
    """Server, clients, memory, work and keys of the online store, by section as INFO prints them."""
    gone = down(op)
    if gone is not None:
        return gone
    everything = {"all", "everything"} & set(args.words)
    default = not args.words or "default" in args.words
    texts = []
    for title, fields in SECTIONS.items():
        if everything or title.lower() in args.words or (default and title not in ALL_ONLY):
            lines = [f"{name}:{value}" for name, value in fields(op)]
            texts.append("\n".join([f"# {title}", *lines]))
    return Effect("\n\n".join(texts), looked=DECLARED, subjects=subjects_of_clients(op))


def _pods_of(op: Operator, client: str) -> list[Pod]:
    """Where the connections of a client come from."""
    names = [model.name for model in op.plant.spec.models] if client == SERVING else [client]
    pods = [pod for name in names for pod in op.plant.cluster.pods_of(name) if pod.phase in ("Loading", "Ready")]
    return sorted(pods, key=lambda pod: pod.name)


def _connections(op: Operator) -> list[str]:
    lines: list[str] = []
    store = address_of(op, getattr(_server_pod(op), "name", op.plant.spec.name_of(STORE)))
    for client, count in holders(op).items():
        pods = _pods_of(op, client)
        for at in range(count):
            pod = pods[at % len(pods)] if pods else None
            since_s = pod.started_s if pod is not None else op.now_s
            # A pool is opened at the start; a leaking client opens one cursor after the other and uses none again.
            age_s = (op.now_s - since_s) * (1.0 if client == SERVING else 1.0 - at / count)
            age = int(min(age_s, _uptime_s(op)))
            where = address_of(op, pod.name) if pod is not None else "0.0.0.0"
            port = (
                FIRST_PORT + int.from_bytes(blake2b(f"{client}/{at}".encode(), digest_size=4).digest(), "big") % PORTS
            )
            does = ("N", 0, "hmget") if client == SERVING else ("N", age, "hscan")
            name = pod.deployment if pod is not None else client
            number = len(lines) + 3
            lines.append(
                f"id={number} addr={where}:{port} laddr={store}:6379 fd={number + 5} name={name} age={age} "
                f"idle={does[1]} flags={does[0]} db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=20474 "
                f"argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem={CONNECTION_BYTES} events=r "
                f"cmd={does[2]} user=default redir=-1 resp=2 lib-name=redis-py lib-ver=5.2.1"
            )
    return lines


@command("redis-cli client list", "redis-cli client list", takes_s=1.5, configure=_words,
         looked=("upstream",), sight="connections")  # fmt: skip
def client_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Every connection of the online store: from where, by whom, how old, how long idle."""
    gone = down(op)
    if gone is not None:
        return gone
    return Effect("\n".join(_connections(op)), looked=DECLARED, subjects=subjects_of_clients(op))


@command("redis-cli ping", "redis-cli ping", configure=_words, looked=("upstream",), sight="latency")
def ping(op: Operator, args: argparse.Namespace) -> Effect:
    """Whether the store answers."""
    return down(op) or Effect(" ".join(args.words) or "PONG", looked=DECLARED, subjects=(STORE,))


@command("redis-cli dbsize", "redis-cli dbsize", configure=_words, looked=("upstream",), sight="latency")
def dbsize(op: Operator, args: argparse.Namespace) -> Effect:
    """How many keys the store holds."""
    return down(op) or Effect(f"(integer) {keys(op)}", looked=DECLARED, subjects=(STORE,))


@command("store latency", "store latency", takes_s=15.0, configure=_words,
         aliases=["redis-cli --latency", "redis-cli --latency-history", "redis-cli --stat"], looked=("upstream",),
         sight="latency")  # fmt: skip
def latency(op: Operator, args: argparse.Namespace) -> Effect:
    """How fast the store answers an empty command, measured for fifteen seconds."""
    gone = down(op)
    if gone is not None:
        return gone
    each_ms = op.plant.pool.read_s() * 1000.0 * ADMIN_SHARE
    samples = int(15_000 / (10.0 + each_ms))
    text = f"min: {int(each_ms)}, max: {int(each_ms * 4) + 1}, avg: {each_ms:.2f} ({samples} samples)"
    return Effect(text, looked=DECLARED, subjects=(STORE,))

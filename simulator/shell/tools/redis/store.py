"""`store` and `redis-cli`: the online feature store seen from its own side."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, near_miss
from reference_platform.monitoring.promql import LOOKBACK_S
from reference_platform.roles import STORE
from reference_platform.serving.connections import FSYNC_MODES, RECONNECT_S
from simulator.plant.knobs import DropClient, SetConnectionsMax, SetFsync, turn
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import is_digits
from simulator.shell.network import role_of
from simulator.shell.registry import REORDER, Arguments, carry_out, command, find, parse
from simulator.shell.table import table

SERVING = "model-servers"
CLIENTS_MAX = 4064
"""What the container's limit of open files allows: 4096 less 32 that Redis keeps for itself.
Source: Redis documentation, "Client handling", maximum concurrent connected clients."""
CLIENTS_MIN = 16
REFUSED = ("get", "set", "del", "hgetall", "hget", "hset", "mget", "scan", "flushall", "flushdb", "debug", "eval")
"""Commands that read or change data: the user of on-call may run none of them."""
COMMAND_WORDS = 2
"""So many words of redis-cli's commands may be in capitals."""
SECTIONS = ("clients", "reads", "all")
_VALUED = ("-h", "-p", "-a", "-n", "-u", "--user", "--pass")
_PLAIN = ("--no-auth-warning", "--raw", "--no-raw", "-c", "--tls")


def _size(parser: Arguments) -> None:
    parser.add_argument("setting")
    parser.add_argument("value")


def _words(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")


def _setting(parser: Arguments) -> None:
    parser.add_argument("setting", nargs="?", default="")


def _client(parser: Arguments) -> None:
    parser.add_argument("name")


def _clients(op: Operator) -> Iterable[str]:
    return op.plant.pool.held()


def down(op: Operator) -> Effect | None:
    """What every command prints while the store is not running."""
    if op.plant.pool.up:
        return None
    return Effect(
        f"Could not connect to Redis at {op.plant.spec.name_of(STORE)}:6379: Connection refused", 1, DECLARED, (STORE,)
    )


def holders(op: Operator) -> dict[str, int]:
    """Connections by client, model servers first; other clients only while they hold some."""
    held = {name: count for name, count in op.plant.pool.held().items() if count}
    return {SERVING: op.plant.pool.serving_connections(), **held}


def _newest(op: Operator, name: str) -> float | None:
    series = op.plant.store.select(name)
    return series[0].value_at(op.now_s, LOOKBACK_S) if series else None


def subjects_of_clients(op: Operator) -> tuple[str, ...]:
    return distinct([STORE, *(name for name in holders(op) if name != SERVING)])


def _section(parser: Arguments) -> None:
    parser.add_argument("section", nargs="?", type=str.lower, choices=SECTIONS)


def _past_the_host(words: Sequence[str]) -> list[str]:
    """`redis-cli -h online-store -p 6379 info` as `redis-cli info`: there is one store to talk to."""
    rest = list(words[1:])
    while rest and rest[0] in (*_VALUED, *_PLAIN):
        if rest[0] == "-h" and rest[1:2] != [STORE] and not "".join(rest[1:2]).startswith(f"{STORE}."):
            break
        del rest[: 2 if rest[0] in _VALUED else 1]
    return [words[0], *(word.lower() if at < COMMAND_WORDS else word for at, word in enumerate(rest))]


REORDER["redis-cli"] = _past_the_host


@command(
    "store info",
    "store info [SECTION]",
    takes_s=1.5,
    configure=_section,
    aliases=["store"],
    looked=("upstream",),
    sight="connections",
)
def info(op: Operator, args: argparse.Namespace) -> Effect:
    """Connections in use against the limit, read time and waits, by section as INFO shows them."""
    gone = down(op)
    if gone is not None:
        return gone
    pool, held = op.plant.pool, holders(op)
    wait_s = _newest(op, "online_store_wait_seconds")
    shares = "".join(f"\nclient_{name.replace('-', '_')}:{count}" for name, count in held.items())
    sections = {}
    # Nothing here waits inside of a blocking command; who gets no connection waits at the client, or was refused.
    sections["clients"] = (
        "# Clients\n"
        f"connected_clients:{sum(held.values())}\n"
        "blocked_clients:0\n"
        f"maxclients:{pool.connections_max}{shares}\n"
        f"waiting_for_a_connection:{op.plant.plane.store_use().waiting}"
    )
    sections["reads"] = (
        "# Reads\n"
        f"appendfsync:{pool.fsync}\n"
        f"read_mean_ms:{pool.read_s() * 1000:.2f}\n"
        f"wait_for_connection_mean_ms:{'-' if wait_s is None else f'{wait_s * 1000:.2f}'}\n"
        f"reads_total:{op.plant.plane.store_use().reads}\n"
        f"acquire_timeout_ms:{op.plant.spec.online_store.acquire_timeout * 1000:.0f}"
    )
    text = sections.get(args.section) or "\n\n".join(sections.values())
    return Effect(text, looked=DECLARED, subjects=subjects_of_clients(op))


def _elsewhere(parser: Arguments) -> None:
    parser.add_argument("host")
    parser.add_argument("words", nargs="*")
    parser.add_argument("-p", "--port", default="6379")


@command(
    "store at",
    "store at HOST [COMMAND]",
    takes_s=1.0,
    configure=_elsewhere,
    aliases=["redis-cli -h"],
    looked=("upstream",),
    sight="latency",
)
def redis_elsewhere(op: Operator, args: argparse.Namespace) -> Effect:
    """Another host than the online store, as with redis-cli -h: no Redis answers there."""
    if role_of(op, args.host.partition(".")[0]) == STORE:
        found, rest = find(["redis-cli", *args.words])
        if found.changes:
            raise CommandError("-h goes with what reads", fix=f"redis-cli {' '.join(args.words)}")
        return carry_out(found, op, parse(found, rest))
    known = args.host in op.plant.cluster.deployments
    why = "Connection refused" if known else "Name or service not known"
    raise CommandError(
        f"Could not connect to Redis at {args.host[:60]}:6379: {why}",
        fix=f"redis-cli -h {op.plant.spec.name_of(STORE)}",
    )


@command(
    "store monitor",
    "store monitor",
    takes_s=0.5,
    configure=_words,
    aliases=[f"redis-cli {word}" for word in (*REFUSED, "monitor", "keys", "--bigkeys", "--hotkeys")],
    sight="latency",
)
def monitor(op: Operator, args: argparse.Namespace) -> Effect:
    """Not on a store that serves: it would slow every read down."""
    raise CommandError("NOPERM not on a store that serves", fix="store info, store clients, store ping, store slowlog")


@command(
    "store slowlog",
    "store slowlog get|len",
    takes_s=1.0,
    configure=_words,
    aliases=["redis-cli slowlog"],
    looked=("upstream",),
    sight="latency",
)
def slowlog(op: Operator, args: argparse.Namespace) -> Effect:
    """Commands that took the store long to carry out; waits for connections and disk are not among them."""
    gone = down(op)
    if gone is not None:
        return gone
    what = args.words[0].lower() if args.words else "get"
    if what not in ("get", "len"):
        raise CommandError(f"ERR unknown subcommand '{what[:40]}'", fix="store slowlog get, store slowlog len")
    # Source: Redis documentation, SLOWLOG: the time to carry a command out, without the client's and the log's I/O.
    text = "(integer) 0" if what == "len" else "(empty array)"
    return Effect(text, looked=DECLARED, subjects=(STORE,))


@command(
    "store clients",
    "store clients",
    takes_s=1.5,
    aliases=["store client list"],
    looked=("upstream",),
    sight="connections",
)
def clients(op: Operator, _: argparse.Namespace) -> Effect:
    """Who holds how many connections, for how long, and with how many open cursors."""
    gone = down(op)
    if gone is not None:
        return gone
    rows = []
    for name, count in holders(op).items():
        cursors = "0" if name == SERVING else str(count)
        rows.append((name, str(count), cursors, _oldest(op, name)))
    total = sum(holders(op).values())
    text = table(("CLIENT", "CONNECTIONS", "OPEN CURSORS", "OLDEST"), rows)
    text += f"\n{total} of {op.plant.pool.connections_max} connections"
    return Effect(text, looked=DECLARED, subjects=subjects_of_clients(op))


def _oldest(op: Operator, client: str) -> str:
    """Age of the client's oldest connection: since its oldest process, or the store's, began."""
    names = [model.name for model in op.plant.spec.models] if client == SERVING else [client]
    started = [
        pod.started_s for name in names for pod in op.plant.cluster.pods_of(name) if pod.phase in ("Loading", "Ready")
    ]
    store = [pod.started_s for name in op.plant.spec.of_role(STORE) for pod in op.plant.cluster.ready_pods(name)]
    if not started:
        return "closing"
    return format_duration(op.now_s - max(min(started), *(store or [min(started)])))


@command("store ping", "store ping", looked=("upstream",), sight="latency")
def ping(op: Operator, _: argparse.Namespace) -> Effect:
    """Whether the store answers, and how fast."""
    gone = down(op)
    if gone is not None:
        return gone
    text = f"PONG\n(administrator connection, {op.plant.pool.read_s() * 250:.2f} ms)"
    return Effect(text, looked=DECLARED, subjects=(STORE,))


@command(
    "store config get",
    "store config get [SETTING]",
    configure=_setting,
    aliases=["redis-cli config get"],
    looked=("upstream",),
    sight="settings",
)
def config_get(op: Operator, args: argparse.Namespace) -> Effect:
    """The store's settings that can change at run time."""
    gone = down(op)
    if gone is not None:
        return gone
    pool = op.plant.pool
    known = {"maxclients": str(pool.connections_max), "appendfsync": pool.fsync}
    wanted = args.setting.lower().strip("*")
    rows = [(name, value) for name, value in known.items() if name.startswith(wanted)]
    text = "\n".join(f"{name}\n{value}" for name, value in rows) or "(empty array)"
    return Effect(text, looked=DECLARED, subjects=(STORE,))


@command(
    "store config set",
    "store config set maxclients|appendfsync VALUE",
    takes_s=2.0,
    changes=True,
    configure=_size,
    aliases=["redis-cli config set"],
    looked=("upstream",),
)
def config_set(op: Operator, args: argparse.Namespace) -> Effect:
    """Change how many connections the store accepts, or when it syncs its log to disk."""
    setting = args.setting.lower()
    if setting not in ("maxclients", "appendfsync"):
        what = f"ERR Unknown option or number of arguments for CONFIG SET - '{args.setting[:40]}'"
        raise CommandError(what, fix="only maxclients and appendfsync can be changed at run time")
    gone = down(op)
    if gone is not None:
        return gone
    return _set_clients(op, args.value) if setting == "maxclients" else _set_fsync(op, args.value)


def _set_clients(op: Operator, value: str) -> Effect:
    if not is_digits(value) or len(value) > 9:
        raise CommandError("ERR CONFIG SET failed - argument couldn't be parsed into an integer", fix="such as 400")
    count, before = int(value), op.plant.pool.connections_max
    if count > CLIENTS_MAX:
        what = "ERR The operating system is not able to handle the specified number of clients"
        raise CommandError(what, fix=f"at most {CLIENTS_MAX}")
    if count < CLIENTS_MIN:
        raise CommandError(f"ERR maxclients {count} would lock administrators out", fix=f"at least {CLIENTS_MIN}")
    turn(op.plant, SetConnectionsMax(count))
    op.changed("set_connections", [STORE], f"online-store maxclients {before} -> {count}")
    return Effect("OK", subjects=(STORE,))


def _set_fsync(op: Operator, value: str) -> Effect:
    mode = next((mode for mode in FSYNC_MODES if mode == value.lower()), None)
    if mode is None:
        what = "ERR CONFIG SET failed - argument(s) must be one of the following: everysec, always, no"
        raise CommandError(what, fix="store config set appendfsync everysec")
    before = op.plant.pool.fsync
    turn(op.plant, SetFsync(mode))
    op.changed("set_store", [STORE], f"online-store appendfsync {before} -> {mode}")
    return Effect("OK", subjects=(STORE,))


@command(
    "store client kill",
    "store client kill NAME",
    takes_s=2.0,
    changes=True,
    configure=_client,
    complete=_clients,
    aliases=["redis-cli client kill", "store kill"],
    looked=("upstream",),
)
def client_kill(op: Operator, args: argparse.Namespace) -> Effect:
    """Close every connection of a client; a process that still runs opens them again."""
    gone = down(op)
    if gone is not None:
        return gone
    if args.name == SERVING:
        raise CommandError("NOPERM model-servers is protected", fix="restart the pods that you mean")
    held = op.plant.pool.held()
    if not held.get(args.name):
        near = near_miss(args.name, [name for name, count in held.items() if count])
        raise CommandError("ERR No such client", fix=near or "store clients")
    closed = turn(op.plant, DropClient(args.name)).result
    op.changed("drop_client", [STORE], f"closed {closed} connections of {args.name}")
    text = f"(integer) {closed}"
    if op.plant.client_running(args.name):
        text += (
            f"\n{args.name} still runs: it opens the cursors of its unfinished work again, all {closed} within "
            f"{format_duration(RECONNECT_S)}"
        )
    return Effect(text, subjects=distinct([STORE, args.name]))

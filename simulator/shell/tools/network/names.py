"""`dig`, `host`, `nslookup`, `getent`, `dns`, `ping`, `nc`, `traceroute`, `cert`: is the way there sound?"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from reference_platform.errors import CommandError
from simulator.shell.calendar import clock, moment
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.network import DOMAIN, address_of, host_of, service_port, services
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

CERTIFICATE_S = 90 * 86400.0
RESOLVER = "10.96.0.10"
PACKETS_MAX = 10
KINDS = ("A", "AAAA", "ANY", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")


def _host(parser: Arguments) -> None:
    parser.add_argument("name")


def _host_and_count(parser: Arguments) -> None:
    parser.add_argument("name")
    for flag in ("-c", "-i", "-W", "-w", "-s"):
        parser.add_argument(flag, default="3")
    parser.add_argument("-n", action="store_true")


def _host_and_flags(parser: Arguments) -> None:
    parser.add_argument("name")
    for flag in ("-n", "-r", "-w", "-b", "-T", "--report"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-c", "--count")
    parser.add_argument("-m")


def _lookup_options(parser: Arguments) -> None:
    parser.add_argument("name")
    parser.add_argument("server", nargs="?")
    parser.add_argument("-t", "--type")


def _dig_options(parser: Arguments) -> None:
    parser.add_argument("words", nargs="+")
    parser.add_argument("-x", dest="address", action="store_true")
    parser.add_argument("-t", dest="kind")
    parser.add_argument("-p", dest="port")


def _port_options(parser: Arguments) -> None:
    for flag in ("-z", "-v", "-n", "-u"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-w")
    parser.add_argument("name")
    parser.add_argument("port")


def _database_and_name(parser: Arguments) -> None:
    parser.add_argument("database")
    parser.add_argument("name")


def _hosts(op: Operator) -> Iterable[str]:
    return [*services(op), *op.plant.cluster.nodes]


def _delay_ms(op: Operator) -> float:
    return 0.2 + 0.4 * float(op.plant.streams.get("shell/network").random())


@dataclass(frozen=True, slots=True)
class _Question:
    """What dig was asked: a name or an address, of which kind, of whom, and whether only the answer is wanted."""

    name: str
    kind: str
    server: str
    short: bool


def _question(op: Operator, args: argparse.Namespace) -> _Question:
    names = [word for word in args.words if not word.startswith(("+", "@")) and word.upper() not in (*KINDS, "IN")]
    if len(names) != 1:
        raise CommandError(f"dig: one name at a time, not {len(names)}", fix="such as dig gateway, dig +short gateway")
    kinds = [word.upper() for word in [*args.words, args.kind or ""] if word.upper() in KINDS]
    servers = [word[1:] for word in args.words if word.startswith("@")]
    server = servers[-1] if servers else RESOLVER
    if server not in (RESOLVER, "kube-dns", "kube-dns.kube-system.svc.cluster.local", "kube-dns.kube-system"):
        raise CommandError(f"dig: no servers could be reached at {server[:60]}", fix=f"the resolver is {RESOLVER}")
    return _Question(
        names[0].rstrip(".")[:120], "PTR" if args.address else (kinds or ["A"])[-1], server, "+short" in args.words
    )


def _answer(op: Operator, question: _Question) -> tuple[str, str] | None:
    """The name that answers and its data; None when there is no such name."""
    if question.kind == "PTR" and question.name == RESOLVER:
        return "10.0.96.10.in-addr.arpa.", "kube-dns.kube-system.svc.cluster.local."
    try:
        host = host_of(op, question.name, "NXDOMAIN")
    except CommandError:
        return None
    full = host + DOMAIN if host in services(op) else host
    if question.kind == "PTR":
        octets = ".".join(reversed(question.name.split(".")))
        return f"{octets}.in-addr.arpa.", f"{full}."
    return f"{full}.", address_of(op, host)


def _query_id(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=2).digest(), "big")


@command(
    "dig",
    "dig [@SERVER] NAME [A] [+short] [-x ADDRESS]",
    takes_s=1.0,
    configure=_dig_options,
    complete=_hosts,
    looked=("dns",),
    sight="network",
)
def dig(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask the cluster's DNS for a name, or for the name of an address."""
    question = _question(op, args)
    found = _answer(op, question)
    empty = found is None or question.kind not in ("A", "PTR", "ANY")
    seen = ("dns",) if found is not None else ()
    if question.short:
        return Effect("" if found is None or empty else found[1], looked=DECLARED, subjects=seen)
    reverse = f"{'.'.join(reversed(question.name.split('.')))}.in-addr.arpa."
    missing = reverse if question.kind == "PTR" else f"{question.name}."
    asked = found[0] if found is not None else missing
    typed = [*(["-x"] if args.address else []), *args.words]
    lines = [
        f"; <<>> DiG 9.18.28 <<>> {' '.join(typed)}",
        ";; global options: +cmd",
        ";; Got answer:",
        f";; ->>HEADER<<- opcode: QUERY, status: {'NXDOMAIN' if found is None else 'NOERROR'}, id: {_query_id(asked)}",
        f";; flags: qr aa rd; QUERY: 1, ANSWER: {0 if empty else 1}, AUTHORITY: 0, ADDITIONAL: 1",
        "",
        ";; OPT PSEUDOSECTION:",
        "; EDNS: version: 0, flags:; udp: 1232",
        ";; QUESTION SECTION:",
        f";{asked:<31}\tIN\t{question.kind}",
        "",
    ]
    if found is not None and not empty:
        kind = "A" if question.kind == "ANY" else question.kind
        lines += [";; ANSWER SECTION:", f"{asked:<23} 30\tIN\t{kind}\t{found[1]}", ""]
    lines += [
        f";; Query time: {max(1, round(_delay_ms(op)))} msec",
        f";; SERVER: {RESOLVER}#53({question.server}) (UDP)",
        f";; WHEN: {moment(op, op.now_s):%a %b %d %H:%M:%S UTC %Y}",
        f";; MSG SIZE  rcvd: {41 + len(asked) + (0 if empty or found is None else len(asked) + 15)}",
    ]
    return Effect("\n".join(lines), looked=DECLARED, subjects=seen)


@command(
    "nslookup",
    "nslookup NAME [SERVER]",
    takes_s=1.0,
    configure=_lookup_options,
    complete=_hosts,
    looked=("dns",),
    sight="network",
)
def nslookup(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask the cluster's DNS for a name."""
    host = host_of(op, args.name, "** server can't find that name, NXDOMAIN")
    full = host + DOMAIN if host in services(op) else host
    text = f"Server:\t\t{RESOLVER}\nAddress:\t{RESOLVER}#53\n\nName:\t{full}\nAddress: {address_of(op, host)}"
    return Effect(text, looked=DECLARED, subjects=("dns",))


@command(
    "host",
    "host NAME [SERVER]",
    takes_s=1.0,
    configure=_lookup_options,
    complete=_hosts,
    looked=("dns",),
    sight="network",
)
def host(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask the cluster's DNS for a name, in one line."""
    found = _answer(op, _Question(args.name.rstrip(".")[:120], "A", RESOLVER, True))
    if found is None:
        return Effect(f"Host {args.name[:120]} not found: 3(NXDOMAIN)", 1, DECLARED, ())
    return Effect(f"{found[0].rstrip('.')} has address {found[1]}", looked=DECLARED, subjects=("dns",))


@command(
    "getent",
    "getent hosts NAME",
    takes_s=0.5,
    configure=_database_and_name,
    complete=_hosts,
    looked=("dns",),
    sight="network",
)
def getent(op: Operator, args: argparse.Namespace) -> Effect:
    """The address that programs get for a name."""
    if args.database not in ("hosts", "ahosts", "ahostsv4"):
        raise CommandError(f"getent: unknown database: {args.database[:40]}", fix="getent hosts NAME")
    found = _answer(op, _Question(args.name.rstrip(".")[:120], "A", RESOLVER, True))
    if found is None:
        return Effect(f"(no entry for {args.name[:120]})", 2, DECLARED, ())
    return Effect(f"{found[1]:<15} {found[0].rstrip('.')}", looked=DECLARED, subjects=("dns",))


@command(
    "nc",
    "nc -zv NAME PORT",
    takes_s=1.5,
    configure=_port_options,
    complete=_hosts,
    aliases=["ncat", "netcat"],
    looked=("dns",),
    sight="network",
)
def nc(op: Operator, args: argparse.Namespace) -> Effect:
    """Whether something listens on a port of a service, pod or node."""
    name = host_of(op, args.name, "nc: getaddrinfo: Name or service not known")
    if not args.port.isascii() or not args.port.isdecimal() or not 0 < int(args.port[:6]) < 65536:
        raise CommandError(f"nc: port number invalid: {args.port[:20]}", fix="nc -zv gateway 80")
    address = address_of(op, name)
    if not _answers(op, name) or (name in services(op) and int(args.port) != service_port(op, name)):
        # A service drops what is sent to a port that it does not have; without pods it refuses.
        reason = "Connection refused" if not _answers(op, name) else "Connection timed out"
        text = f"nc: connect to {name} ({address}) port {args.port} (tcp) failed: {reason}"
        return Effect(text, 1, DECLARED, ("network",))
    text = f"Connection to {name} ({address}) {args.port} port [tcp/*] succeeded!"
    return Effect(text, looked=DECLARED, subjects=("network",))


@command("dns", "dns", takes_s=2.0, aliases=["dns status", "dns check"], looked=("dns",), sight="network")
def dns(op: Operator, _: argparse.Namespace) -> Effect:
    """Resolve every service once."""
    rows = [(name, address_of(op, name), "NOERROR", f"{_delay_ms(op):.1f} ms") for name in services(op)]
    text = (
        table(("NAME", "ADDRESS", "STATUS", "TIME"), rows)
        + f"\nresolver {RESOLVER}: {len(rows)} of {len(rows)} answered"
    )
    return Effect(text, looked=DECLARED, subjects=("dns",))


@command(
    "ping",
    "ping [-c COUNT] NAME",
    takes_s=3.0,
    configure=_host_and_count,
    complete=_hosts,
    looked=("dns",),
    sight="network",
)
def ping(op: Operator, args: argparse.Namespace) -> Effect:
    """A few packets to a service, pod or node; three unless -c says how many, at most ten."""
    if not args.c.isascii() or not args.c.isdecimal() or int(args.c[:6]) < 1:
        raise CommandError(f"ping: invalid argument: {args.c[:20]!r}", fix="such as ping -c 3 gateway")
    count = min(int(args.c[:6]), PACKETS_MAX)
    host = host_of(op, args.name, "ping: cannot resolve")
    address = address_of(op, host)
    lines = [f"PING {host} ({address}) 56(84) bytes of data."]
    head = f"--- {host} ping statistics ---"
    if not _answers(op, host):
        lines += [
            "",
            head,
            f"{count} packets transmitted, 0 received, 100% packet loss (nothing runs behind this name)",
        ]
        return Effect("\n".join(lines), 1, DECLARED, ("network",))
    times = [_delay_ms(op) for _ in range(count)]
    lines += [f"64 bytes from {address}: icmp_seq={at} ttl=62 time={ms:.3f} ms" for at, ms in enumerate(times, 1)]
    lines += ["", head, f"{count} packets transmitted, {count} received, 0% packet loss",
              f"rtt min/avg/max = {min(times):.3f}/{sum(times) / count:.3f}/{max(times):.3f} ms"]  # fmt: skip
    return Effect("\n".join(lines), looked=DECLARED, subjects=("network",))


def _answers(op: Operator, host: str) -> bool:
    pod = op.plant.cluster.pods.get(host)
    if pod is not None:
        return pod.phase in ("Loading", "Ready", "Terminating")
    return host in op.plant.cluster.nodes or op.plant.client_running(host)


@command(
    "traceroute",
    "traceroute NAME",
    takes_s=4.0,
    configure=_host_and_flags,
    complete=_hosts,
    aliases=["tracepath", "mtr"],
    looked=("dns",),
    sight="network",
)
def traceroute(op: Operator, args: argparse.Namespace) -> Effect:
    """The hops to a service, pod or node."""
    host = host_of(op, args.name, "traceroute: unknown host")
    address = address_of(op, host)
    lines = [f"traceroute to {host} ({address}), 30 hops max", f" 1  192.168.10.1  {_delay_ms(op):.3f} ms"]
    node = op.plant.cluster.pods[host].node if host in op.plant.cluster.pods else ""
    if node in op.plant.cluster.nodes:
        lines.append(f" 2  {node} ({address_of(op, node)})  {_delay_ms(op):.3f} ms")
    last = f"{address}  {_delay_ms(op):.3f} ms" if _answers(op, host) else "* * *"
    lines.append(f" {len(lines)}  {last}")
    return Effect("\n".join(lines), looked=DECLARED, subjects=("network",))


@command(
    "cert",
    "cert NAME",
    takes_s=1.5,
    configure=_host,
    complete=_hosts,
    aliases=["openssl s_client -connect", "openssl"],
    looked=("dns",),
    sight="certificate",
)
def cert(op: Operator, args: argparse.Namespace) -> Effect:
    """The certificate a service shows, and when it expires."""
    host = host_of(op, args.name.partition(":")[0], "connect: could not resolve")
    if not _answers(op, host):
        return Effect(f"connect:errno=111 connection refused by {host}", 1)
    begins_s = -(int(address_of(op, host).rsplit(".", 1)[1]) % 60) * 86400.0
    left_days = int((begins_s + CERTIFICATE_S - op.now_s) / 86400.0)
    text = (
        f"subject=CN = {host}{DOMAIN}\nissuer=CN = shop-internal-ca\n"
        f"notBefore={clock(op, begins_s)} ({int((op.now_s - begins_s) / 86400)} days ago)\n"
        f"notAfter={clock(op, begins_s + CERTIFICATE_S)} (in {left_days} days)\nVerify return code: 0 (ok)"
    )
    component = op.plant.cluster.component_of(host)
    return Effect(text, looked=DECLARED, subjects=("network", component))

"""`dig`, `nslookup`, `dns`, `ping`, `traceroute`, `cert`: is the way there sound?"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError
from simulator.shell.calendar import clock
from simulator.shell.context import Effect, Operator
from simulator.shell.network import DOMAIN, address_of, host_of, services
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

CERTIFICATE_S = 90 * 86400.0
RESOLVER = "10.96.0.10"


def _host(parser: Arguments) -> None:
    parser.add_argument("name")


def _host_and_count(parser: Arguments) -> None:
    parser.add_argument("name")
    parser.add_argument("-c", "--count", default="3")


def _dig_options(parser: Arguments) -> None:
    parser.add_argument("name")
    parser.add_argument("kind", nargs="?", default="A")


def _hosts(op: Operator) -> Iterable[str]:
    return [*services(op), *op.plant.cluster.nodes]


def _delay_ms(op: Operator) -> float:
    return 0.2 + 0.4 * float(op.plant.streams.get("shell/network").random())


@command("dig", "dig NAME", takes_s=1.0, configure=_dig_options, complete=_hosts)
def dig(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask the cluster's DNS for a name."""
    name = args.name.rstrip(".")[:120]
    try:
        host = host_of(op, name, "NXDOMAIN")
    except CommandError:
        head = ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN"
        return Effect(f"{head}\n;; QUESTION SECTION:\n;{name}.\tIN\tA\n;; SERVER: {RESOLVER}#53", looked=("dns",))
    full = host + DOMAIN if host in services(op) else host
    text = (
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR\n"
        f";; ANSWER SECTION:\n{full}.\t30\tIN\tA\t{address_of(op, host)}\n\n"
        f";; Query time: {max(1, round(_delay_ms(op)))} msec\n;; SERVER: {RESOLVER}#53"
    )
    return Effect(text, looked=("dns",), subjects=("dns",))


@command("nslookup", "nslookup NAME", takes_s=1.0, configure=_host, complete=_hosts, aliases=["host"])
def nslookup(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask the cluster's DNS for a name."""
    host = host_of(op, args.name, "** server can't find that name, NXDOMAIN")
    full = host + DOMAIN if host in services(op) else host
    text = f"Server:\t\t{RESOLVER}\nAddress:\t{RESOLVER}#53\n\nName:\t{full}\nAddress: {address_of(op, host)}"
    return Effect(text, looked=("dns",), subjects=("dns",))


@command("dns", "dns", takes_s=2.0, aliases=["dns status", "dns check"])
def dns(op: Operator, _: argparse.Namespace) -> Effect:
    """Resolve every service once."""
    rows = [(name, address_of(op, name), "NOERROR", f"{_delay_ms(op):.1f} ms") for name in services(op)]
    text = (
        table(("NAME", "ADDRESS", "STATUS", "TIME"), rows)
        + f"\nresolver {RESOLVER}: {len(rows)} of {len(rows)} answered"
    )
    return Effect(text, looked=("dns",), subjects=("dns",))


@command("ping", "ping NAME", takes_s=3.0, configure=_host_and_count, complete=_hosts)
def ping(op: Operator, args: argparse.Namespace) -> Effect:
    """Three packets to a service, pod or node."""
    host = host_of(op, args.name, "ping: cannot resolve")
    address = address_of(op, host)
    lines = [f"PING {host} ({address}) 56(84) bytes of data."]
    if not _answers(op, host):
        lines += ["", "3 packets transmitted, 0 received, 100% packet loss (nothing runs behind this name)"]
        return Effect("\n".join(lines), 1, ("dns",), ("network",))
    times = [_delay_ms(op) for _ in range(3)]
    lines += [f"64 bytes from {address}: icmp_seq={at} ttl=62 time={ms:.3f} ms" for at, ms in enumerate(times, 1)]
    lines += ["", "3 packets transmitted, 3 received, 0% packet loss",
              f"rtt min/avg/max = {min(times):.3f}/{sum(times) / 3:.3f}/{max(times):.3f} ms"]  # fmt: skip
    return Effect("\n".join(lines), looked=("dns",), subjects=("network",))


def _answers(op: Operator, host: str) -> bool:
    pod = op.plant.cluster.pods.get(host)
    if pod is not None:
        return pod.phase in ("Loading", "Ready", "Terminating")
    return host in op.plant.cluster.nodes or op.plant.client_running(host)


@command("traceroute", "traceroute NAME", takes_s=4.0, configure=_host, complete=_hosts, aliases=["tracepath", "mtr"])
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
    return Effect("\n".join(lines), looked=("dns",), subjects=("network",))


@command(
    "cert", "cert NAME", takes_s=1.5, configure=_host, complete=_hosts, aliases=["openssl s_client -connect", "openssl"]
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
    return Effect(text, looked=("dns",), subjects=("network", component))

"""Names and addresses inside the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from reference_platform.errors import CommandError, nearest
from reference_platform.roles import REGISTRY, STORE, Role
from simulator.shell.context import Operator

SUFFIXES = (".shop.svc.cluster.local", ".shop.svc", ".svc.cluster.local", ".shop")
SERVICE_PORT, CONTAINER_PORT = 80, 8080
PORTS: Mapping[Role | None, int] = {STORE: 6379, REGISTRY: 5000}
"""Where programs listen that do not speak the platform's own HTTP."""
DOMAIN = ".shop.svc.cluster.local"


def services(op: Operator) -> list[str]:
    """Names that resolve to a service. A service outlives the pods behind it."""
    jobs = [name for name, item in op.plant.cluster.deployments.items() if item.spec.kind == "Job"]
    return [name for name in op.plant.cluster.deployments if name not in jobs]


def host_of(op: Operator, text: str, cannot_resolve: str) -> str:
    """The service, pod or node that a host name means. Raises CommandError in the words of `cannot_resolve`."""
    name = text.lower().rstrip(".")
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    cluster = op.plant.cluster
    known = [*services(op), *cluster.nodes]
    if name in known or name in cluster.pods:
        return name
    by_address = {address_of(op, item): item for item in (*known, *cluster.pods)}
    if name in by_address:
        return by_address[name]
    raise CommandError(f"{cannot_resolve}: {text[:80]}", fix=nearest(name, known))


def service_address(name: str) -> str:
    """The cluster IP of a service."""
    return f"10.96.{_byte(name, 0)}.{_byte(name, 1)}"


def service_port(op: Operator, name: str) -> int:
    """The port on which a service, or a pod or node for that matter, is listened to."""
    return PORTS.get(role_of(op, name), SERVICE_PORT)


def role_of(op: Operator, name: str) -> Role | None:
    """What the service is for; None for most, and for what is no service."""
    item = op.plant.cluster.deployments.get(name)
    return None if item is None else item.spec.role


def address_of(op: Operator, name: str) -> str:
    """The address of a service, pod or node; `<none>` for a pod that no node has taken."""
    if name in op.plant.cluster.nodes:
        return f"192.168.10.{11 + list(op.plant.cluster.nodes).index(name)}"
    pod = op.plant.cluster.pods.get(name)
    if pod is not None:
        return f"10.244.{list(op.plant.cluster.nodes).index(pod.node)}.{pod.address}" if pod.node else "<none>"
    return service_address(name)


def _byte(name: str, at: int) -> int:
    """A number from 1 to 254 that belongs to the name."""
    return 1 + blake2b(name.encode(), digest_size=4).digest()[at] % 254

"""Names that controllers make up, and what the deployment controller says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from simulator.cluster.objects import Deployment

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What generated names are written with. Source: k8s.io/apimachinery, util/rand."""


def pod_name(deployment: Deployment, revision: int, serial: int) -> str:
    """A stable name that looks like Kubernetes' own: `<deployment>-<template hash>-<suffix>`, `<job>-<suffix>`."""
    name = deployment.spec.name
    raw = blake2b(f"{name}/{revision}/{serial}".encode(), digest_size=12).digest()
    suffix = "".join(LETTERS[b % 27] for b in raw[:5])
    return f"{name}-{suffix}" if deployment.spec.kind == "Job" else f"{name}-{template_hash(name, revision)}-{suffix}"


def template_hash(name: str, revision: int) -> str:
    """What the replica set behind a revision is called after its deployment's name."""
    return "".join(LETTERS[b % 27] for b in blake2b(f"{name}/{revision}".encode(), digest_size=9).digest())


def scaling_texts(name: str, before: Mapping[int, int], after: Mapping[int, int]) -> Iterator[str]:
    """What the controller of deployment `name` says when its sets, by number, keep `after` pods and not `before`."""
    for number in sorted({*before, *after}):
        old, new = before.get(number, 0), after.get(number, 0)
        if old != new:
            word = "up" if new > old else "down"
            yield f"Scaled {word} replica set {name}-{template_hash(name, number)} from {old} to {new}"

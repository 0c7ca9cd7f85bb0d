"""What the API server's admission adds to every pod: the service account's token and two tolerations.

Source: Kubernetes, admission plug-ins ServiceAccount and DefaultTolerationSeconds.
"""

from __future__ import annotations

from copy import deepcopy
from hashlib import blake2b
from typing import Any

from simulator.cluster.naming import LETTERS

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOLERATED_S = 300


def admitted(spec: dict[str, Any], pod_name: str) -> dict[str, Any]:
    """The specification of a pod as it is stored, made from its template's."""
    spec = deepcopy(spec)
    letters = blake2b(f"token/{pod_name}".encode(), digest_size=5).digest()
    volume = f"kube-api-access-{''.join(LETTERS[byte % len(LETTERS)] for byte in letters)}"
    for container in spec["containers"]:
        container["volumeMounts"] = [{"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}]
    labelled = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [labelled]}},
    ]
    spec["volumes"] = [{"name": volume, "projected": {"sources": sources, "defaultMode": 420}}]
    spec["tolerations"] = [
        {"key": f"node.kubernetes.io/{trouble}", "operator": "Exists", "effect": "NoExecute"}
        | {"tolerationSeconds": TOLERATED_S}
        for trouble in ("not-ready", "unreachable")
    ]
    return spec | {"serviceAccount": "default", "priority": 0, "enableServiceLinks": True}

"""Tools that people look for and that this desk does not have: what stands in the way, and what to use instead."""

from __future__ import annotations

_NODE = "kubectl describe node NODE, kubectl top nodes, nvidia-smi -i NODE"
_USE = "kubectl top pods, kubectl top nodes, nvidia-smi"
_NO_SHELL = "the responder has no shell on the machines"
_RELEASES = "kubectl rollout history deployment/NAME, deploys, git log; back: kubectl rollout undo deployment/NAME"
_NOT_HERE = "this desk has no files of its own"
_KEPT = "COMMAND > NOTE keeps an output, ls lists what was kept, cat NOTE shows it"

_ROWS = (
    ("ssh scp rsync mosh systemctl service crictl ctr docker podman nerdctl", _NO_SHELL, _NODE),
    ("top htop uptime vmstat iostat sar free ps pidstat lsof strace kill", _NO_SHELL, _USE),
    ("df du lsblk mount", _NO_SHELL, "kubectl describe node NODE shows disk pressure"),
    ("netstat ss iptables tcpdump ip ifconfig arp", _NO_SHELL, "store clients, dig NAME, ping NAME, nc -zv NAME PORT"),
    ("psql mysql sqlite3 mongosh", "the platform has no database of that kind", "store info, features show VIEW"),
    ("terraform ansible pulumi aws gcloud az", "nothing runs in a cloud account here", "kubectl get nodes, deploys"),
    ("flux kustomize skaffold", "nothing is rolled out by it here", _RELEASES),
    ("istioctl linkerd cilium", "this cluster has no service mesh", "logs gateway, curl -v URL, dig NAME"),
    ("vi vim nano emacs code", _NOT_HERE, "note TEXT writes something down; postmortem opens what is to be written"),
    ("pwd cd mkdir touch cp mv find chmod", _NOT_HERE, _KEPT),
    ("python python3 ipython bash sh zsh node perl ruby make pip apt", "no programs are run here",
     "help lists what can be done; behind a command: | jq, awk, sed"),
    ("which type whereis", "every command is part of this desk", "help COMMAND"),
    ("clear reset", "the record stays as it is", "scroll, or type on"),
    ("amtool promtool", "not here", "alerts, alerts rules, alerts test EXPR, silence NAME, metrics EXPR"),
    ("logcli kibana splunk", "logs are read without it here", "logs SERVICE --since 30m --grep TEXT"),
    ("kubectx kubens k9s kubetail", "one cluster and one namespace are all there is", "kubectl get pods -n shop"),
    ("httpie grpcurl telnet", "requests are sent by curl here", "curl -v URL, nc -zv NAME PORT"),
    ("tmux screen", "there is one terminal", "watch COMMAND repeats what is worth watching"),
    ("whoami id", 'you are "on-call"', "kubectl auth can-i VERB KIND says what you may do"),
    ("exit logout", "the drill goes on", "resolve and postmortem file end it; the room's own keys leave it"),
)  # fmt: skip

ABSENT: dict[str, tuple[str, str]] = {word: (what, fix) for words, what, fix in _ROWS for word in words.split()}
"""By word: what is said, and what to use instead."""

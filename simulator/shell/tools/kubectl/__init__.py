"""kubectl: the cluster as API objects, printed and changed by Kubernetes' rules."""

"""Nodes, pods and deployments by Kubernetes' rules and timing."""

"""Dashboards are documents of queries; those in this folder come with every platform."""

"""Scoring: criteria over the event log, findings with evidence, verdicts."""

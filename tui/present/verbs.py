"""Beginnings of the session's commands that keys put into the prompt."""

from __future__ import annotations

ACK = "ack"
NOTE = "note "
HYPOTHESIS = "hyp add "
STATUS = "status impact="
POSTMORTEM = "postmortem"
EVIDENCE = "evidence {hyp} for {n}"

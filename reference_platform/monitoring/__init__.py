"""Measuring the platform: time series, alert rules, paging, error budgets and drift."""

"""Grafana over HTTP."""

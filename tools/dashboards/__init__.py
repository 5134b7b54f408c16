"""Dashboards of Grafana from Python: classic JSON, committed, made anew by `make generate`."""

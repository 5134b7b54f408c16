"""Dashboards drawn by ourselves, since no Grafana runs here: `make dashboards-preview`."""

"""The spike alert, measured on simulated months through a real Prometheus."""

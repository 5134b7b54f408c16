"""Throughput, as ratios measured in one run."""

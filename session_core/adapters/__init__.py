"""Rooms of other SDKs, observed: one file an SDK."""

"""Signaling transports: one file a technology."""

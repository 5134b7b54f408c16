"""Whose offsets: one consumer group's, of one topic, of one cluster."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """In the order in which the key of `kafka_offsets` names them."""

    cluster_id: str
    topic: str
    consumer_group: str

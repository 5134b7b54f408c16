"""What the codes that people meet mean in plain words, and what to do. One table; the rest speaks by its message."""

from __future__ import annotations

from typing import Final, NamedTuple

from session_core.errors import CATALOGUE


class Meaning(NamedTuple):
    """What a code says to somebody who answers for calls."""

    says: str
    do: str
    causes: tuple[str, ...] = ()
    """What it usually comes from, the likeliest first."""


MEANINGS: Final[dict[int, Meaning]] = {
    20101: Meaning(
        "The access token could not be read.",
        "Look at how tokens are made: key, secret, claims.",
        ("Token made wrongly", "Token cut off on its way to the client"),
    ),
    20103: Meaning(
        "The token's issuer or account is not known.",
        "Compare the account and API key of the token.",
        ("Key of another account or environment",),
    ),
    20104: Meaning(
        "The access token had expired when the client joined or came back, so it was turned away.",
        "Make tokens for as long as a session may last, up to 24 hours, and hand out a fresh one at each attempt.",
        (
            "Token lived shorter than the session",
            "Client came back with the token that it joined with",
            "Clock of the token's maker is wrong",
        ),
    ),
    20106: Meaning(
        "The token does not grant this room.",
        "Look at the grant: room name and identity.",
        ("Grant names another room", "Room name changed after the token was made"),
    ),
    20107: Meaning(
        "The token was signed with another secret.",
        "Compare the API secret; was it rotated?",
        ("Secret was rotated", "Secret of another environment"),
    ),
    53000: Meaning(
        "A signaling server was there but would not have the client: refused at joining, or at every attempt to come "
        "back.",
        "Look at the signaling servers of the region: load, deployment, TLS, firewall.",
        (
            "Signaling servers of a region are down or overloaded",
            "A deployment that closed connections",
            "A firewall or proxy on the way",
        ),
    ),
    53001: Meaning(
        "The signaling connection broke and was not back when the client stopped waiting.",
        "One participant: their network. Many at once: signaling servers or the way to them.",
        (
            "The participant's network went away",
            "A proxy or load balancer that closes idle connections",
            "Signaling servers restarted",
        ),
    ),
    53002: Meaning(
        "The client could not be back in time: it was away for longer than the reconnection window.",
        "Usually the participant's network. If a region stands out, look at the way to it.",
        (
            "The participant's network was gone for longer than the window",
            "A laptop or phone went to sleep",
            "The way to a region is broken",
        ),
    ),
    53006: Meaning(
        "The server was too busy to take the join.",
        "Look at capacity and at join peaks.",
        ("A peak of joins", "Too little capacity"),
    ),
    53104: Meaning("The room could not be joined.", "Look at the server's log for this room."),
    53105: Meaning(
        "The room was full.",
        "Raise the limit of participants, or tell the user.",
        ("More people than the room takes", "Old sessions that still count"),
    ),
    53106: Meaning(
        "The room did not exist, or was over.",
        "Make the room first, or look at old links.",
        ("The room was over before the link was used", "A link to another environment"),
    ),
    53118: Meaning(
        "The room was ended for everyone.",
        "Nothing: somebody ended the call.",
        ("Somebody ended the room", "The room's longest time was over"),
    ),
    53204: Meaning(
        "The client came back, but the server had given it up already.",
        "As 53002: it was away for too long.",
        ("The client was away for longer than the server waits",),
    ),
    53205: Meaning(
        "The same identity joined from somewhere else, and the older session had to go.",
        "Expected for a second tab or device; otherwise make identities unique.",
        ("A second tab or device", "An application that joins twice", "Identities that are not unique"),
    ),
    53216: Meaning(
        "The session reached the longest time allowed.",
        "Raise the limit, or rejoin before it.",
        ("The session reached its limit",),
    ),
    53405: Meaning(
        "Audio and video stopped flowing, though signaling was up.",
        "Look at TURN and media servers, UDP being blocked, or a release that broke media.",
        (
            "UDP is blocked and TURN cannot be reached",
            "A change of network",
            "A release that broke media",
            "Media servers of a region",
        ),
    ),
    53407: Meaning(
        "The encryption handshake of the media connection failed.",
        "Look at proxies and at certificates.",
        ("A proxy that changes traffic", "A certificate that does not fit"),
    ),
    53500: Meaning(
        "The client could not fetch its configuration.",
        "Look at the configuration endpoint.",
        ("The configuration endpoint is down or blocked",),
    ),
    53501: Meaning(
        "The client got no TURN credentials.",
        "Look at the TURN credential endpoint.",
        ("The TURN credential endpoint is down", "Its quota is used up"),
    ),
}


def meaning(code: int) -> str:
    """What a code says in plain words, or what its catalogue's message says."""
    if code in MEANINGS:
        return MEANINGS[code].says
    known = CATALOGUE.get(code)
    return known.message + "." if known else "A code of the server's own."

"""What the codes that people meet mean in plain words, and what to do. One table; the rest speaks by its message."""

from __future__ import annotations

from typing import Final, NamedTuple

from session_core.errors import CATALOGUE


class Meaning(NamedTuple):
    """What a code says to somebody who answers for calls."""

    says: str
    do: str


MEANINGS: Final[dict[int, Meaning]] = {
    20101: Meaning("The access token could not be read.", "Look at how tokens are made: key, secret, claims."),
    20103: Meaning("The token's issuer or account is not known.", "Compare the account and API key of the token."),
    20104: Meaning(
        "The access token had expired when the client joined or came back, so it was turned away.",
        "Make tokens for as long as a session may last, up to 24 hours, and hand out a fresh one at each attempt.",
    ),
    20106: Meaning("The token does not grant this room.", "Look at the grant: room name and identity."),
    20107: Meaning("The token was signed with another secret.", "Compare the API secret; was it rotated?"),
    53000: Meaning(
        "A signaling server was there but would not have the client: refused at joining, or at every attempt to come "
        "back.",
        "Look at the signaling servers of the region: load, deployment, TLS, firewall.",
    ),
    53001: Meaning(
        "The signaling connection broke and was not back when the client stopped waiting.",
        "One participant: their network. Many at once: signaling servers or the way to them.",
    ),
    53002: Meaning(
        "The client could not be back in time: it was away for longer than the reconnection window.",
        "Usually the participant's network. If a region stands out, look at the way to it.",
    ),
    53006: Meaning("The server was too busy to take the join.", "Look at capacity and at join peaks."),
    53104: Meaning("The room could not be joined.", "Look at the server's log for this room."),
    53105: Meaning("The room was full.", "Raise the limit of participants, or tell the user."),
    53106: Meaning("The room did not exist, or was over.", "Make the room first, or look at old links."),
    53118: Meaning("The room was ended for everyone.", "Nothing: somebody ended the call."),
    53204: Meaning(
        "The client came back, but the server had given it up already.",
        "As 53002: it was away for too long.",
    ),
    53205: Meaning(
        "The same identity joined from somewhere else, and the older session had to go.",
        "Expected for a second tab or device; otherwise make identities unique.",
    ),
    53216: Meaning("The session reached the longest time allowed.", "Raise the limit, or rejoin before it."),
    53405: Meaning(
        "Audio and video stopped flowing, though signaling was up.",
        "Look at TURN and media servers, UDP being blocked, or a release that broke media.",
    ),
    53407: Meaning("The encryption handshake of the media connection failed.", "Look at proxies and at certificates."),
    53500: Meaning("The client could not fetch its configuration.", "Look at the configuration endpoint."),
    53501: Meaning("The client got no TURN credentials.", "Look at the TURN credential endpoint."),
}


def meaning(code: int) -> str:
    """What a code says in plain words, or what its catalogue's message says."""
    if code in MEANINGS:
        return MEANINGS[code].says
    known = CATALOGUE.get(code)
    return known.message + "." if known else "A code of the server's own."

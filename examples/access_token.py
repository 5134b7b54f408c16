"""An access token that does not expire while the call lasts, and is of no use to anybody else."""

from datetime import UTC, datetime

from session_core import AccessToken

# A token that is valid for 24 hours, scoped to one identity and to one room.
token = AccessToken.mint(
    "your_twilio_account_sid",
    "your_twilio_api_key",
    "your_twilio_api_secret_of_32_bytes",
    identity="alice",
    room="my-room",
    ttl_s=86_400,
    at=datetime.now(UTC),  # noqa: TID251 - an application has a clock
)
print(token.jwt.count("."), "dots, so it is a JWT")

read = AccessToken.read(token.jwt)
print("identity:", read.identity)
print("room:", read.room)
print("lives for", read.ttl_s, "seconds")

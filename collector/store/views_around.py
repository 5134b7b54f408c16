"""What happened to others at the moment that decided a session: what tells one home from a region."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from collector.store.views import Completeness, OutageView, SessionStory, View


class Others(View):
    """Other sessions: how many there were, and how many of them were hit."""

    hit: int = Field(examples=[14])
    there: int = Field(examples=[15])


class Around(View):
    """Others, beside the session that is asked about.

    Where it had joined: who was in a room when it lost connection or ended, and lost connection or was dropped within
    ten seconds of that. Where it never joined: who tried to within five minutes of it, and failed.
    """

    at: datetime = Field(description="The moment that decided the session.")
    room: Others
    region: Others = Field(description="Of the same region, in other rooms.")
    elsewhere: Others = Field(description="Of other regions.")
    version: Others = Field(
        description="Of the same app version within an hour, where an outage decided: those with one of the same cause."
    )
    other_versions: Others = Field(description="The same of other app versions.")


class Case(View):
    """All that a verdict on a session is made of."""

    story: SessionStory
    outage: OutageView | None = Field(description="The outage that the session ended in, where it did.")
    around: Around | None = Field(description="None where nothing that went wrong has decided it.")
    networks: tuple[str, ...] = Field(description="Types of network that it told around that moment, in order.")
    rejoined: UUID | None = Field(description="The session that the same participant went on with.")
    completeness: Completeness
    events_kept_days: int | None = Field(
        default=None, description="For how many days events are kept, where those of the session have aged out."
    )

    @property
    def is_without_events(self) -> bool:
        """Whether the session told events, and none is stored any more."""
        return not self.story.events and self.story.session.events_received > 0

"""How complete it is where nobody told anything."""

from typing import Final

from collector.store.views import Completeness

UNTOLD: Final = Completeness(
    sessions=0,
    events_received=0,
    events_expected=0,
    share=None,
    sessions_with_gaps=0,
    events_dropped_by_clients=0,
    silent_sessions=0,
    dead_letters=0,
    newest_append_at=None,
    age_s=None,
)

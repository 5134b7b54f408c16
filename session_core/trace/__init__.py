"""What would a room's users see? Plays scenarios in simulated time and says what the room emits.

    scenario.py      what was done, as it is written in a file
    policies.py      how the server behaves from some moment on, as a sentence
    connection.py    one connection of twilio-video.js to its server, in simulated time
    transport.py     its signaling transport: what becomes of connections, as signals to a room
    player.py        a room that lives through a scenario
    timeline.py      the public events, in the order in which handlers would be called

Nothing here reads a file or a clock: text, time and randomness come in.
"""

"""Grafana over HTTP: what is there and what should be become changes, and the changes are made.

wanted.py reads the shipped files, differences.py, marks.py and plan.py are pure, port.py says what is asked of Grafana,
grafana.py does it with grafana-client, run.py brings them together.

Rules:
1. What a person changed in Grafana is theirs: it is written over only where that was asked for.
2. Nothing is deleted that was not made here.
3. A second run finds nothing to do.
4. No token and no password is in a text, a log or a file, but the file that a new token is asked for in.
"""

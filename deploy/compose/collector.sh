#!/bin/sh
# The collector, with what only files may hold.
set -eu
ROOMWATCH_DATABASE_URL="postgresql://roomwatch:$(cat /run/secrets/postgres_password)@postgres/roomwatch"
ROOMWATCH_ALERTMANAGER_TOKEN=$(cat /run/secrets/alertmanager_token)
export ROOMWATCH_DATABASE_URL ROOMWATCH_ALERTMANAGER_TOKEN
roomwatch migrate
roomwatch token create compose --scope read --from-file /run/secrets/roomwatch_token
exec roomwatch run

#!/bin/sh
# Makes the secrets of compose.yaml where there are none: random words in files of deploy/compose/secrets/.
# Nobody else may enter that folder. The files themselves can be read, since each container has a user of its own.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
for name in postgres_password grafana_postgres_password grafana_admin_password alertmanager_token; do
    if [ ! -s "secrets/$name" ]; then
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$name"
        chmod 644 "secrets/$name"
    fi
done
# A token as `roomwatch token create --from-file` takes it.
if [ ! -s secrets/roomwatch_token ]; then
    random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
    printf 'rw_%s_%s' "$(random 6)" "$(random 32)" >secrets/roomwatch_token
    chmod 644 secrets/roomwatch_token
fi

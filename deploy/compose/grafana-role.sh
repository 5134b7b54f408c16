#!/bin/sh
# Runs once in a new PostgreSQL: the user with whom Grafana reads, and does nothing else.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$(cat /run/secrets/grafana_postgres_password)" \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE roomwatch_grafana LOGIN PASSWORD :'password' CONNECTION LIMIT 10;
GRANT pg_read_all_data TO roomwatch_grafana;
ALTER ROLE roomwatch_grafana SET default_transaction_read_only = on;
ALTER ROLE roomwatch_grafana SET statement_timeout = '10s';
SQL

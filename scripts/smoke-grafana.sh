#!/bin/sh
# Provisions a real Grafana as an operator would, and looks at what became of it. Needs Docker with Compose, and
# `make setup`. Several Grafanas: for v in 10.4.19 11.6.0 12.4.0 13.0.0; do GRAFANA_VERSION=$v scripts/smoke-grafana.sh; done
#
#   GRAFANA_VERSION  the image's tag, instead of compose.yaml's
#   GRAFANA_URL      a Grafana that runs already: no containers; ROOMWATCH_GRAFANA_USER and _PASSWORD are its admin's.
#                    Its dashboard roomwatch-overview is edited and written over: take one to throw away
#   KEEP=1           the containers go on running
#
# Exit codes: 0 all was as it should be; 1 something was not: the last line says what.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
bin=${BIN:-.venv/bin}
own_containers=

end() {
    rm -rf "$work"
    if [ -n "$own_containers" ] && [ "${KEEP:-}" != 1 ]; then
        docker compose --profile "*" down --volumes >/dev/null 2>&1 || true
    fi
}
trap end EXIT
trap 'exit 1' INT TERM

step() { printf '\n== %s\n' "$1"; }
fail() {
    printf 'FAILED: %s\n' "$1"
    exit 1
}
# provision WANTED_CODE WANTED_WORDS ARGUMENTS...: runs the command, and looks at its exit code and at what it says.
provision() {
    code=0
    wanted_code=$1
    wanted=$2
    shift 2
    "$bin/roomwatch" provision --url "$url" "$@" >"$work/said" 2>&1 || code=$?
    cat "$work/said"
    [ "$code" = "$wanted_code" ] || fail "exit code $code instead of $wanted_code"
    grep -q "$wanted" "$work/said" || fail "it does not say: $wanted"
}

if [ -z "${GRAFANA_URL:-}" ]; then
    step "start"
    deploy/compose/secrets.sh
    own_containers=1
    docker compose up --detach --build grafana prometheus alertmanager collector
    # For Grafana alone: Compose takes it for a failure of the whole that the service topics is done and ends.
    docker compose up --detach --wait --no-deps grafana
    ROOMWATCH_GRAFANA_USER="admin"
    ROOMWATCH_GRAFANA_PASSWORD=$(cat deploy/compose/secrets/grafana_admin_password)
    ROOMWATCH_POSTGRESQL_PASSWORD=$(cat deploy/compose/secrets/grafana_postgres_password)
    export ROOMWATCH_GRAFANA_USER ROOMWATCH_GRAFANA_PASSWORD ROOMWATCH_POSTGRESQL_PASSWORD
    export ROOMWATCH_POSTGRESQL_HOST=postgres:5432 ROOMWATCH_POSTGRESQL_DATABASE=roomwatch
    export ROOMWATCH_POSTGRESQL_USER=roomwatch_grafana ROOMWATCH_POSTGRESQL_SSLMODE=disable
fi
url=${GRAFANA_URL:-http://127.0.0.1:3000}
export ROOMWATCH_PROMETHEUS_URL="${ROOMWATCH_PROMETHEUS_URL:-http://prometheus:9090}"
export ROOMWATCH_URL="${ROOMWATCH_URL:-http://127.0.0.1:8787}"

step "what would be done"
provision 1 "nothing was done" --dry-run
step "do it"
provision 0 "created"
step "a second run has nothing to do"
provision 0 "nothing to do" --prune
step "an account for the runs to come"
provision 0 "roomwatch (Editor)" --service-account "$work/token"
step "its token does for all but data sources"
(
    unset ROOMWATCH_GRAFANA_USER ROOMWATCH_GRAFANA_PASSWORD ROOMWATCH_PROMETHEUS_URL ROOMWATCH_POSTGRESQL_HOST
    ROOMWATCH_GRAFANA_TOKEN_FILE=$work/token
    export ROOMWATCH_GRAFANA_TOKEN_FILE
    provision 0 "nothing to do"
)
step "a dashboard that is shipped no more goes when asked to"
cp -r dashboards "$work/files"
sed -e 's/"uid": "roomwatch-drops"/"uid": "roomwatch-old"/' -e 's/"Why do rooms drop?"/"An old question?"/' \
    dashboards/roomwatch-drops.json >"$work/files/roomwatch-old.json"
provision 0 "created  *dashboard  *An old question" --files "$work/files"
provision 0 "deleted  *dashboard  *An old question" --prune
step "an incident of a store becomes a mark, once"
ROOMWATCH_DATABASE_URL=sqlite:///$work/incidents.db
export ROOMWATCH_DATABASE_URL
"$bin/python" scripts/an_incident.py
provision 0 "created  *incident" --incidents
provision 0 "nothing to do" --incidents
step "Grafana reads the dashboards and the mark, asks each query, and a person edits a dashboard"
"$bin/python" scripts/asked_of_grafana.py "$url" || fail "what Grafana made of it is not as it should be"
step "the edit is kept, and shown"
provision 1 "edited by hand"
step "and written over by force"
provision 0 "updated" --force
provision 0 "nothing to do"
step "all was as it should be"

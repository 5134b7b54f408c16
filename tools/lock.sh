#!/bin/sh
# Resolves requirements/*.txt from pyproject.toml: every platform, every hash, no registry's address. Needs uv.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade --quiet \
        --no-emit-package roomwatch --output-file "$out" "$@"
}
lock requirements/demo.txt pyproject.toml --extra demo requirements/build.in
lock requirements/dev.txt pyproject.toml --extra demo --extra postgresql --extra archive --extra grafana \
    --extra websocket --extra aiortc --extra livekit \
    --group test --group check requirements/build.in
lock requirements/spark.txt pyproject.toml --group spark
lock requirements/preview.txt pyproject.toml --group preview

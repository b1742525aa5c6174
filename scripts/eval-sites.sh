#!/usr/bin/env bash
# Lets a model rewrite the places of fixtures/sites, one batch for each, and compares what comes of them.
#
#   scripts/eval-sites.sh [--model NAME|PATH]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

ensure_packages
build_release
exec python3 "$ROOT/scripts/eval_sites.py" --skiff "$SKIFF" "$@"

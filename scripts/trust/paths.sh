#!/usr/bin/env bash
# Shows that no path leads out of the work tree: over 500 hostile paths in proposals, each to `skiff apply`; answers of a
# model that name such paths; and a folder that changes places with a link a million times while files are written to it.
#
#   scripts/trust/paths.sh [SWAPS]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"
case ${1:-} in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
run_trust hostile_paths SKIFF_TRUST_EVERY=1 SKIFF_TRUST_SWAPS="${1:-1000000}"

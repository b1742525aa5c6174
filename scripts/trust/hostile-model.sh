#!/usr/bin/env bash
# Lets a model say more than a thousand of the worst things, each through the binary on a terminal of its own, and prints in
# one line what came of it. Exits with 1 when something changed without a yes, or reached the terminal as it was.
#
#   scripts/trust/hostile-model.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"

case ${1:-} in
  '') ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;;
  *) die "unknown option: $1" 'usage: scripts/trust/hostile-model.sh' ;;
esac
ensure_packages
ensure_cargo

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
cd -- "$ROOT"
code=0
show cargo test --release --locked --test hostile_model -- --nocapture >"$log" || code=$?
grep '^hostile model: ' "$log" || cat -v -- "$log" >&2
exit "$code"

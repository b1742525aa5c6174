#!/usr/bin/env bash
# Measures the ledger against its goals: that every changed bit, every line that is gone or elsewhere and every truncation is
# found, the time to verify a million records, and the time that a record takes to become durable on the disk of DIR (by
# default where temporary files go). Exits with 1 when a goal is missed.
#
#   scripts/trust/ledger.sh [--records N] [--dir DIR]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"

records=1000000 dir=${TMPDIR:-/tmp}
while (($# > 0)); do
  case $1 in
    --records) records=${2:?'--records wants a number'} && shift ;;
    --dir) dir=${2:?'--dir wants a directory'} && shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/trust/ledger.sh [--records N] [--dir DIR]' ;;
  esac
  shift
done
ensure_packages
ensure_cargo
(cd -- "$ROOT" && show cargo build --release --locked --example ledger >&2)

work=$(mktemp -d -p "$dir")
trap 'rm -rf -- "$work"' EXIT
tests=(a_flipped_bit every_flipped_bit every_line_that_is_gone every_truncation)
tests=("${tests[@]/#/ledger::tests::}")
(cd -- "$ROOT" && show cargo test --release --locked --lib -- --nocapture --test-threads=1 "${tests[@]}") >"$work/tests" || {
  cat -- "$work/tests" >&2
  exit 1
}
grep -o 'ledger: [0-9].*' "$work/tests"
mkdir -- "$work/timed"
"$TARGET_DIR/release/examples/ledger" --records "$records" "$work/timed"

#!/usr/bin/env bash
# Measures the ledger against its goals: the time to verify a million records, and the time that a record takes to become
# durable on the disk of DIR (by default where temporary files go). Exits with 1 when a goal is missed.
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
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/trust/ledger.sh [--records N] [--dir DIR]' ;;
  esac
  shift
done
ensure_packages
ensure_cargo
(cd -- "$ROOT" && show cargo build --release --locked --example ledger >&2)

work=$(mktemp -d -p "$dir")
trap 'rm -rf -- "$work"' EXIT
"$TARGET_DIR/release/examples/ledger" --records "$records" "$work"

#!/usr/bin/env bash
# Lists what is linked into the binary: evidence/components.json, which `skiff evidence` writes its bill of materials from.
#
#   scripts/components.sh [--check]
#
# Run it after every change of Cargo.lock. The list is that of Linux on x86-64; crates that only an optional feature brings
# carry its name. With --check nothing is written, and the exit code says whether the list is up to date. Needs the
# sources of the crates (`cargo fetch`), as C and C++ code that a crate carries is asked for its own version.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

check=0
for option in "$@"; do
  case $option in
    --check) check=1 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $option" 'usage: scripts/components.sh [--check]' ;;
  esac
done

ensure_cargo
has python3 || die 'missing: python3' "install it with this system's package manager, then run again"
cd -- "$ROOT"

list=evidence/components.json
new=$(mktemp)
trap 'rm -f -- "$new"' EXIT
python3 scripts/components.py >"$new"
if ((check)); then
  diff -u -- "$list" "$new" >&2 || die "$list is not what Cargo.lock says" 'scripts/components.sh writes it anew'
  say "$list is up to date"
else
  cat -- "$new" >"$list"
  say "wrote $list"
fi

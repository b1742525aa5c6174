#!/usr/bin/env bash
# Shows that an apply survives: 50 files, killed at every call that writes, and every such call failing; two processes with
# 1,000 applies each; 10,000 round trips of bytes and modes. Prints a line for each figure. Wants strace.
#
#   scripts/trust/apply.sh [PART PARTS]
#
# With PART (from 0) and PARTS only every so many-th call is tried: several machines can share the work.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"
case ${1:-} in -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
has strace || die 'strace is missing' 'apt-get install strace'
run_trust apply_survival SKIFF_TRUST_EVERY=1 SKIFF_TRUST_APPLIES=1000 \
  SKIFF_TRUST_PART="${1:-0}" SKIFF_TRUST_PARTS="${2:-1}"
run_trust round_trips SKIFF_TRUST_CASES=10000

#!/usr/bin/env bash
# Shows that no configuration of git makes skiff run a program: plants each vector alone, runs every verb, and counts the
# programs that ran; git itself is the control.
#
#   scripts/trust/canaries.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"
case ${1:-} in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
run_trust canaries SKIFF_TRUST_EACH=1

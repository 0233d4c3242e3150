#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Outputs are written over nothing that is read, and over no other output; and what a run that failed
# left beside them goes with it.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

model m.safetensors 4 32 32
must "$ADZE" convert m.safetensors in.safetensors.index.json --set shard-size=9000

# pipeline MODEL OUTPUT...
pipeline ()
{
  local model=$1 output
  shift
  printf 'adze = 1\nname = "p"\n[model]\npath = "%s"\n' "$model"
  printf '[[stage]]\nuse = "cast"\nto = "bf16"\n'
  for output; do
    printf '[[output]]\npath = "%s"\n' "$output"
    case $output in *.index.json) echo 'shard-size = 3000' ;; esac
  done
}

# untouched WORDS OUTPUT...: with these outputs nothing runs, and nothing changes.
untouched ()
{
  local words=$1
  shift
  pipeline in.safetensors.index.json "$@" > p.toml
  sha256sum ./*.safetensors ./*.json p.toml > before
  must_fail "$words" "$ADZE" run p.toml
  sha256sum -c --quiet before || complain "$*: something that is read has changed"
  ls .*.part > /dev/null 2>&1 && complain "$*: temporary files stayed"
}

# Seen in the model's files, whatever the name.
untouched "p.toml:9:8: this output cannot be written" \
  in-00001-of-00002.safetensors
ln in-00002-of-00002.safetensors linked.safetensors
untouched "p.toml:9:8: this output cannot be written" \
  linked.safetensors
rm -f linked.safetensors
# Only the format knows the names of shards.
for order in "z.safetensors.index.json z-00002-of-00004.safetensors" \
  "z-00002-of-00004.safetensors z.safetensors.index.json"; do
  # shellcheck disable=SC2086
  pipeline m.safetensors $order > p.toml
  rm -rf adze-runs z*
  must_fail "z-00002-of-00004.safetensors would be written for" "$ADZE" run p.toml
done

# What cannot be written is refused before anything is done: what is no file, and a name that leaves
# no room for the longer one that the file has until it is complete; also that of a shard.
mkfifo pipe.safetensors
pipeline m.safetensors pipe.safetensors > p.toml
for verb in check plan run; do
  must_fail "p.toml:9:8: $PWD/pipe.safetensors is a named pipe" \
    timeout -k 1 20 "$ADZE" "$verb" p.toml
done
for size in 252 312; do
  name=$(printf "%0$((size - 12))d.safetensors" 7)
  pipeline m.safetensors "$name" > p.toml
  for verb in check plan run; do
    must_fail "is too long: it has $size bytes, and can have 236" "$ADZE" "$verb" p.toml
    grep -qF "p.toml:9:8: " must.out || complain "it should be said where the name stands"
  done
done
name=$(printf '%0210d.safetensors.index.json' 7)
pipeline m.safetensors "$name" > p.toml
must_fail "is too long: it has 237 bytes, and can have 236" "$ADZE" plan p.toml
name=$(printf '%0209d.safetensors.index.json' 7)
pipeline m.safetensors "$name" > p.toml
must "$ADZE" run p.toml
rm -rf "$name" 0*.safetensors adze-runs

# The folder of the runs, wherever it is.
mkdir elsewhere
pipeline m.safetensors elsewhere/r/x.safetensors > p.toml
must_fail "p.toml:9:8: " "$ADZE" run p.toml --runs elsewhere/r
must "$ADZE" run p.toml

# A conversion may take the place of its own model, and of no file that it leads to alone.
sha256sum in* > before
must_fail "would be written over a file that is read" \
  "$ADZE" convert in.safetensors.index.json in-00001-of-00002.safetensors
must_fail "would be written over a file that is read" \
  "$ADZE" convert in-00001-of-00002.safetensors in.safetensors.index.json --set shard-size=5000
sha256sum -c --quiet before || complain "convert changed what it reads"
must "$ADZE" convert m.safetensors m.safetensors

# Temporary files of a run that was broken off go with its folder, and not before.
if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  mkdir project
  cp m.safetensors project
  pipeline m.safetensors out/o.safetensors > project/p.toml
  { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=kill ADZE_FAIL_AT=2 \
    ADZE_FAIL_BELOW=$PWD/project/out/ ADZE_FAIL_NAMES=1 "$ADZE" run project/p.toml; } \
    > killed.out 2>&1
  part=$(echo project/out/.o.safetensors.*.part)
  [ -f "$part" ] || complain "there should be a temporary file of the run that was killed"
  cp -r project copy
  touch project/out/.mine.part project/out/.o.safetensors.part
  must "$ADZE" runs clean --runs project/adze-runs --keep 1
  [ -f "$part" ] || complain "a run that stays needs its temporary file"
  must "$ADZE" runs clean --runs copy/adze-runs --keep 0
  [ ! -e "copy/${part#project/}" ] || complain "the copy's temporary file should have gone"
  [ -f "$part" ] || complain "cleaning a copy took the original's temporary file"
  must "$ADZE" runs clean --runs project/adze-runs --keep 0 --dry-run
  grep -qF "would remove $PWD/$part" must.out || complain "a dry run should name it"
  [ -f "$part" ] || complain "a dry run removes nothing"
  must "$ADZE" runs clean --runs project/adze-runs --keep 0
  [ ! -e "$part" ] || complain "the temporary file should have gone with its run"
  [ -f project/out/.mine.part ] || complain "what no run has made is nobody's to remove"
fi
finish

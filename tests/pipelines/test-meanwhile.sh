#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What somebody changes while a run is under way: a parameter's file, a plugin, a library that a plugin
# binds. What was made with one of them is never kept as if another had made it.
. "$(dirname "$0")/runs-lib.sh"
plugins slow pupil
model model.safetensors 8 400 1000

# build FOLDER [FLAG...]: the plugin pupil, put over the one there as an installation does.
build ()
{
  local folder=$1
  shift
  $CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" "$@" \
    -o new.so "$TOP_SRCDIR/tests/plugins/pupil.c" || complain "pupil does not build"
  mv new.so "$folder/pupil.so"
}

# pipeline THREADS ISOLATE [MIDDLE]: the stage that waits, what MIDDLE says, and the shift by a file.
pipeline ()
{
  waiting_pipeline | sed '/^\[\[output/,$d'
  printf '%s\n[[stage]]\nuse = "pupil-shift"\namount = "amount.txt"\nisolate = %s\n' "${3-}" "$2"
  printf '[[output]]\npath = "out.safetensors"\n[run]\nthreads = %s\n' "$1"
}

# The stage that waits in a segment of its own, so that the other one works only afterwards.
apart='[[output]]
path = "slow.safetensors"
from = "slow.model"'

begin ()
{
  rm -f before after
  "$ADZE" run p.toml "$@" > run.out 2>&1 &
  run=$!
  has_begun p
}

# refused WORDS: the run in the background fails, says WORDS, and leaves no output.
refused ()
{
  touch after
  wait "$run" && complain "it ended well, and should have said: $1"
  grep -qF -- "$1" run.out || {
    complain "it is not said: $1"
    cat run.out
  }
  [ ! -e out.safetensors ] || complain "an output was left"
}

# Another run, which waits for nobody, gives what one gives that knows of no other.
same_as_anew ()
{
  touch after
  must "$ADZE" run p.toml
  [ -z "$(find . -maxdepth 1 -name '.*.part')" ] || complain "$1: a temporary file stays"
  cp out.safetensors first.safetensors
  must "$ADZE" run p.toml --runs anew --fresh
  cmp out.safetensors first.safetensors || complain "$1: what was kept is not what comes of it"
  rm -rf anew out.safetensors
}

# ---- A parameter's file.

for isolate in false true; do
  for middle in '' "$apart"; do
    rm -rf adze-runs
    echo 1.25 > amount.txt
    pipeline 2 $isolate "$middle" > p.toml
    begin
    echo 7.5 > amount.txt
    refused "amount.txt, the file of parameter 'amount', changed while the run was under way"
    grep -q "stage 'pupil-shift'" run.out || complain "the stage is not named"
    same_as_anew "7.5 ($isolate)"
    echo 1.25 > amount.txt
    same_as_anew "1.25 ($isolate)"
    # What is half done is no part of a later run, whatever stands in the file then.
    rm -rf adze-runs
    begin
    echo 7.5 > amount.txt
    refused "amount.txt"
    echo 1.25 > amount.txt
    same_as_anew "1.25 again ($isolate)"
    # Empty, as it is for a moment whenever it is written: that it holds no number is not why.
    rm -rf adze-runs
    begin
    : > amount.txt
    refused "amount.txt, the file of parameter 'amount', changed while the run was under way"
    echo 1.25 > amount.txt
    # Written again, its time put back.
    rm -rf adze-runs
    begin
    touch -r amount.txt time
    echo 1.50 > amount.txt
    touch -r time amount.txt
    refused "amount.txt"
    same_as_anew "1.50 ($isolate)"
  done
done
# Other people's doings with its name and rights are none.
rm -rf adze-runs out.safetensors
begin
chmod g+w amount.txt
ln amount.txt other.txt
touch after
wait "$run" || {
  complain "a run whose parameter's file was linked to should end well"
  cat run.out
}

# ---- A plugin.

# Loaded, it computes as it did, and its results are its own.
for isolate in false true; do
  rm -rf adze-runs out.safetensors
  build plugins
  pipeline 1 $isolate > p.toml
  begin
  build plugins -DMORE=1
  touch after
  wait "$run" || {
    complain "a run whose plugin was replaced after all of it was loaded should end well"
    cat run.out
  }
  cp out.safetensors old.safetensors
  "$ADZE" run p.toml --explain > explained.txt 2>&1
  grep -q 'stage pupil-shift: plugin pupil .*was rebuilt' explained.txt || {
    complain "the new plugin passes for the old one ($isolate)"
    cat explained.txt
  }
  must "$ADZE" run p.toml
  cmp -s out.safetensors old.safetensors && complain "the new plugin did nothing"
  same_as_anew "the new plugin ($isolate)"
  build plugins
  touch after
  must "$ADZE" run p.toml
  cmp out.safetensors old.safetensors || complain "the old plugin's result is another one"
done

# Processes that begin later cannot have the old one.
rm -rf adze-runs out.safetensors
pipeline 2 true "$apart" > p.toml
begin
build plugins -DMORE=1
refused "pupil.so changed while the run was under way"
same_as_anew "the new plugin, of several processes"

# ---- A library that a plugin binds.

library ()
{
  echo "float twice (float x) { return x < 0.0f ? x * $1.0f : x * 2.0f; }" > twice.c
  $CC -shared -fPIC -o new.so -Wl,-soname,libtwice.so.1 twice.c || complain "no library"
  mv new.so libtwice.so.1
}
library 3
cat > plugins/twice.toml << END
manifest = 1
id = "binds-twice"
version = "0.1.0"
summary = "twice as much"
license = "Apache-2.0"
[[component]]
kind = "technique"
id = "twice"
summary = "twice as much"
threading = "parallel"
effect = "changes"
[foreign]
[[foreign.library]]
soname = "$PWD/libtwice.so.1"
versions = ">= 1, < 2"
[[foreign.function]]
component = "twice"
symbol = "twice"
shape = "map"
returns = "float"
arguments = [{ type = "float", from = "x" }]
[[foreign.test]]
component = "twice"
input = [0.0, 0.5]
expected = [0.0, 1.0]
tolerance = 1e-6
END
for isolate in false true; do
  rm -rf adze-runs out.safetensors
  pipeline 1 $isolate | sed 's/pupil-shift/twice/; /^amount/d' > p.toml
  begin
  library 4
  refused "the library $PWD/libtwice.so.1 was replaced after it was loaded"
  same_as_anew "the new library ($isolate)"
  # Of its manifest counts what was read of it.
  rm -rf adze-runs
  begin
  sed -i 's/0\.5\]/0.5, 2.0]/; s/1\.0\]/1.0, 4.0]/' plugins/twice.toml
  touch after
  wait "$run" || cat run.out
  "$ADZE" run p.toml --explain > explained.txt 2>&1
  grep -q 'stage twice: the manifest of plugin binds-twice 0.1.0 changed' explained.txt || {
    complain "the new manifest passes for the old one ($isolate)"
    cat explained.txt
  }
  same_as_anew "the new manifest ($isolate)"
  sed -i 's/0\.5, 2\.0\]/0.5]/; s/1\.0, 4\.0\]/1.0]/' plugins/twice.toml
done
finish

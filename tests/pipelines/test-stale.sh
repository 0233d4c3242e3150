#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing is taken for what a run would make now that is not: what a result depends on, beyond the
# values of its parameters and of its inputs, counts as well, and --explain says what of it changed.
. "$(dirname "$0")/runs-lib.sh"

# explained LINE...: --explain of p.toml says each of these lines.
explained ()
{
  local line
  must "$ADZE" run p.toml --explain
  for line; do
    sed "s|$PWD/||g" must.out | grep -qxF -- "$line" || {
      complain "--explain does not say: $line"
      cat must.out >&2
    }
  done
}

# head MODEL: what every pipeline here begins with.
head ()
{
  printf 'adze = 1\nname = "%s"\n[model]\npath = "%s"\n[[stage]]\n' "${1%%.*}" "$1"
}

# ---- A map has no order.

model model.safetensors 2 16 16
renamed ()
{
  head model.safetensors
  printf 'use = "rename"\nnames = { %s }\n[[output]]\npath = "out.safetensors"\n' "$1"
}
"$ADZE" show model.safetensors --json > shown
names=($(grep -o '"name": *"[^"]*"' shown | cut -d '"' -f 4))
renamed "\"${names[0]}\" = \"x\", \"${names[1]}\" = \"a\"" > p.toml
must "$ADZE" run p.toml
renamed "\"${names[1]}\" = \"a\", \"${names[0]}\" = \"x\"" > p.toml
explained 'segment 1 of 1 (rename): is there already'
renamed "\"${names[1]}\" = \"x\", \"${names[0]}\" = \"a\"" > p.toml
explained 'segment 1 of 1 (rename): would be done again'

# ---- A copied output has more than one file.

{
  head model.safetensors
  cat << END
use = "clip"
percentile = 60
[[output]]
path = "whole.safetensors"
[[output]]
path = "parts.safetensors.index.json"
from = "clip.model"
shard-size = 1100
END
} > p.toml
must "$ADZE" run p.toml
explained 'output parts.safetensors.index.json: is there already'
rm parts-00002-of-*
explained 'output parts.safetensors.index.json: would be written again' \
  "  because its file parts-00002-of-00002.safetensors has gone"
must "$ADZE" run p.toml
must "$ADZE" show parts.safetensors.index.json
printf x >> parts-00001-of-00002.safetensors
explained 'output parts.safetensors.index.json: would be written again'
must "$ADZE" run p.toml
must "$ADZE" show parts.safetensors.index.json
must "$ADZE" diff parts.safetensors.index.json whole.safetensors

# ---- The order of an input's tensors, and of its metadata, is that of what is made of it.

# written PATH HEADER DATA: a safetensors file with a header of up to 255 bytes.
written ()
{
  printf "\\x$(printf %02x ${#2})\\0\\0\\0\\0\\0\\0\\0%s%s" "$2" "$3" > "$1"
}
# ordered META FIRST SECOND: the tensors A and B, of letters that tell which is which.
ordered ()
{
  local A=AAAABBBBCCCCDDDD B=EEEEFFFFGGGGHHHH tensor='"dtype":"F32","shape":[4],"data_offsets"'
  written turned.safetensors \
    "{\"__metadata__\":{$1},\"$2\":{$tensor:[0,16]},\"$3\":{$tensor:[16,32]}}" "${!2}${!3}"
}
{
  head turned.safetensors
  cat << END
use = "clip"
percentile = 60
[[output]]
path = "turned-out.safetensors"
[[output]]
path = "turned-copy.safetensors"
from = "input.model"
END
} > p.toml
ordered '"x":"1","y":"2"' A B
must "$ADZE" run p.toml
for order in '"x":"1","y":"2" B A' '"y":"2","x":"1" B A'; do
  ordered $order
  explained 'segment 1 of 1 (clip): would be done again' \
    '  because stage clip: input turned.safetensors changed' \
    'output turned-copy.safetensors: would be written again'
  must "$ADZE" run p.toml
  cp turned-out.safetensors turned-kept.safetensors
  cp turned-copy.safetensors turned-kept-copy.safetensors
  must "$ADZE" run p.toml --fresh
  cmp turned-kept.safetensors turned-out.safetensors || complain "$order: a fresh run gives other bytes"
  cmp turned-kept-copy.safetensors turned-copy.safetensors ||
    complain "$order: a fresh copy has other bytes"
done

# What follows loads plugins from files.
[ "$ADZE_SHARED" != no ] || finish

# ---- A library that a plugin binds by its manifest.

# library FACTOR: what libtwice.so.1 multiplies numbers below zero with, of which no test speaks.
library ()
{
  echo "float twice (float x) { return x < 0.0f ? x * $1.0f : x * 2.0f; }" > twice.c
  $CC -shared -fPIC -o new.so -Wl,-soname,libtwice.so.1 twice.c || {
    echo "needed is a compiler"
    exit 77
  }
  mv new.so libtwice.so.1
}
mkdir -p bound "$XDG_CONFIG_HOME/adze"
echo "trusted = [\"$PWD/bound\", \"$PWD/one\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
cat > bound/twice.toml << END
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
export ADZE_PLUGIN_PATH=$PWD/bound
twice ()
{
  head model.safetensors
  printf 'use = "twice"\n%s\n[[output]]\npath = "twice.safetensors"\n' "$1"
}
for isolate in '' 'isolate = true'; do
  twice "$isolate" > p.toml
  library 3
  must "$ADZE" run p.toml
  cp twice.safetensors first.safetensors
  must "$ADZE" run p.toml --locked
  cached true
  library 4
  explained 'segment 1 of 1 (twice): would be done again' \
    '  because stage twice: library libtwice.so.1 was replaced'
  must_fail 'library libtwice.so.1 of binds-twice was replaced' "$ADZE" run p.toml --locked
  must "$ADZE" run p.toml
  cached false
  cmp -s twice.safetensors first.safetensors && complain "another library gave the same bytes"
  # Its manifest, with a test of one number more.
  sed -i 's/0\.5\]/0.5, 2.0]/; s/1\.0\]/1.0, 4.0]/' bound/twice.toml
  explained 'segment 1 of 1 (twice): would be done again' \
    '  because stage twice: the manifest of plugin binds-twice 0.1.0 changed'
  sed -i 's/0\.5, 2\.0\]/0.5]/; s/1\.0, 4\.0\]/1.0]/' bound/twice.toml
  # The first one again, as another file: what it made is known, but not where it was written.
  library 3
  must "$ADZE" run p.toml --runs other-runs
  cmp twice.safetensors first.safetensors || complain "the same library gave other bytes"
  rm -r adze-runs other-runs
done

# ---- The plugin that reads an input.

mkdir one
export ADZE_PLUGIN_PATH=$PWD/one
# reader WORDS: the plugin that reads safetensors, with WORDS behind how much of a text it reads.
reader ()
{
  rm -rf source
  cp -r "$TOP_SRCDIR/plugins/formats/safetensors" source
  sed -i "s|entry->value.size)|entry->value.size$1)|" source/metadata_read.c
  $CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
    -o one/new.so source/*.c || complain "the reader does not compile"
  mv one/new.so one/safetensors.so
}
ordered '"author":"xyz"' A B
mv turned.safetensors read.safetensors
{
  head read.safetensors
  cat << END
use = "clip"
percentile = 60
[[output]]
path = "read.gguf"
architecture = "llama"
[[output]]
path = "read-copy.gguf"
from = "input.model"
architecture = "llama"
END
} > p.toml
reader ''
must "$ADZE" run p.toml
explained 'segment 1 of 1 (clip): is there already' 'output read-copy.gguf: is there already'
reader ' / 2'
for verify in '' --verify; do
  must "$ADZE" run p.toml --explain $verify
  [ "$(grep -c 'plugin safetensors .*, which reads read.safetensors, was rebuilt' must.out)" = 2 ] ||
    complain "--explain $verify does not name the plugin that reads an input"
  grep 'input.*changed' must.out && complain "--explain $verify says that the input changed"
done
must "$ADZE" run p.toml
cached false
cp read.gguf read-kept.gguf
must "$ADZE" run p.toml --fresh
cmp read-kept.gguf read.gguf || complain "a fresh run with another reader gives other bytes"
finish

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
finish

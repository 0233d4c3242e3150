#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a pipeline makes of a GGUF file can be used: vectors that a stage made anything but f32, which
# llama.cpp stops at, are refused while all of it is planned, and what came so goes on as it is. And a
# file without an architecture can be passed on.
. "$(dirname "$0")/runs-lib.sh"

# safetensors FILE HEADER SIZE: a model of SIZE bytes of weights, all zeros but for the first number.
safetensors ()
{
  {
    # The header's length, eight bytes, lowest first.
    # shellcheck disable=SC2059
    printf "\\$(printf %03o ${#2})\0\0\0\0\0\0\0"
    printf '%s\0\0\200\077' "$2"
    head -c $(($3 - 4)) /dev/zero
  } > "$1"
}

# pipeline MODEL OUTPUT: p.toml, the stages from standard input.
pipeline ()
{
  {
    printf 'adze = 1\nname = "p"\n[model]\npath = "%s"\n' "$1"
    cat
    printf '[[output]]\npath = "%s"\n' "$2"
  } > p.toml
}

safetensors f32.safetensors '{"w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"w.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}' 24
safetensors f16.safetensors '{"w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"w.bias":{"dtype":"F16","shape":[2],"data_offsets":[16,20]}}' 20
must "$ADZE" convert f32.safetensors f32.gguf --set architecture=llama
must "$ADZE" convert f16.safetensors f16.gguf --set architecture=llama

# A cast of everything is refused before anything was done, and says what to write.
for to in f16 bf16 f64; do
  pipeline f32.gguf out.gguf << END
[[stage]]
use = "cast"
to = "$to"
END
  must_fail "tensor 'w.bias' has one dimension and would become $to" "$ADZE" plan p.toml
  must_fail 'match = "{*norm*,*.bias}" and skip = true' "$ADZE" run p.toml
done
[ ! -e out.gguf ] || complain "out.gguf should not be there"
must "$ADZE" run p.toml --set 'output.0.vectors="any"'
# By way of safetensors as well: what counts is what a stage made.
sed -i 's/f32.gguf/f32.safetensors/' p.toml
must_fail "tensor 'w.bias'" "$ADZE" plan p.toml --set 'output.0.architecture="llama"'

# With the rule that it names it goes.
pipeline f32.gguf ruled.gguf << 'END'
[[stage]]
use = "cast"
to = "f16"
  [[stage.rule]]
  match = "{*norm*,*.bias}"
  skip = true
END
must "$ADZE" run p.toml
"$ADZE" show ruled.gguf > shown || complain "ruled.gguf cannot be shown"
grep -q 'w.bias .*f32' shown && grep -q 'w.weight .*f16' shown || complain "the types are wrong"

# What was read so is written so, also where a stage changed something else.
must "$ADZE" convert f16.gguf again.gguf
cmp f16.gguf again.gguf || complain "again.gguf is another file"
pipeline f16.gguf scaled.gguf << 'END'
[[stage]]
use = "cast"
to = "bf16"
  [[stage.rule]]
  match = "*.bias"
  skip = true
END
must "$ADZE" run p.toml

# A file without an architecture: magic, version 3, no tensor, one named value.
{
  printf 'GGUF\003\0\0\0\0\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0'
  printf '\001\0\0\0\0\0\0\0a\004\0\0\0\005\0\0\0'
  head -c 11 /dev/zero
} > bare.gguf
must "$ADZE" convert bare.gguf bare2.gguf
must "$ADZE" diff bare.gguf bare2.gguf
grep -q "nothing differs" must.out || complain "bare2.gguf is another model"
must_fail "general.architecture" "$ADZE" convert f32.safetensors none.gguf
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze init and adze schema: what they write is what adze check takes.
. "$(dirname "$0")/lib.sh"

# Two tensors of f32, a 2x2 and one of three numbers, whose name is no pattern that matches itself.
header='{"fc1.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"odd[0]*":{"dtype":"F32","shape":[3],"data_offsets":[16,28]}}'
{
  # The header's length, eight bytes, lowest first.
  # shellcheck disable=SC2059
  printf "\\$(printf %03o ${#header})\0\0\0\0\0\0\0"
  printf '%s' "$header"
  head -c 28 /dev/zero
} > small.safetensors

[ "${ADZE_SHARED-}" != no ] || done_
expect 0 "$ADZE" init small.safetensors
err_empty
out_has 'name = "small"'
out_has 'path = "small.safetensors"'
out_has '#   fc1.weight  [2, 2]'
out_has 'match = "fc1.weight"'
out_has 'path = "small-small.safetensors"'
mv out small.toml
expect 0 "$ADZE" check small.toml
out_is "good: small.toml"

# Of a model in several files, what one would be called.
expect 0 "$ADZE" convert small.safetensors parts.safetensors.index.json --set shard-size=20
expect 0 "$ADZE" init parts.safetensors.index.json
out_has 'name = "parts"'
out_has 'path = "parts.safetensors.index.json"'
out_has 'path = "parts-small.safetensors"'
expect 0 "$ADZE" convert small.safetensors parts-00001-of-00002.gguf --set shard-size=20 \
  --set architecture=llama
expect 0 "$ADZE" init parts-00001-of-00002.gguf
out_has 'name = "parts"'
out_has 'path = "parts-small.gguf"'

# What is there is left alone, and a pipeline elsewhere still finds its model.
expect 1 "$ADZE" init small.safetensors -o small.toml
err_has "small.toml is there already"
mkdir -p elsewhere
expect 0 "$ADZE" init small.safetensors -o elsewhere/p.toml
out_empty
err_has "wrote elsewhere/p.toml"
grep -q "path = \"$work/small.safetensors\"" elsewhere/p.toml || fail "the path should be absolute"
expect 0 "$ADZE" check elsewhere/p.toml
expect 0 "$ADZE" init small.safetensors --output other.toml --json
json_is other.toml pipeline

# A name with the characters of a pattern in it.
sed 's/"fc1.weight":{"dtype":"F32","shape":\[2,2\]/"a{b,c}?wei":{"dtype":"F32","shape":[2,2]/' small.safetensors \
  > names.safetensors
expect 0 "$ADZE" init names.safetensors
out_has 'match = "a\\{b,c\\}\\?wei"'

# It works as it is also where clip refuses a tensor or would stop at a NaN, and of a GGUF file it says
# what llama.cpp wants; of one without an architecture too: magic, version 3, a tensor "v" of one f32.
header='{"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"f":{"dtype":"F32","shape":[3],"data_offsets":[16,28]}}'
{
  # shellcheck disable=SC2059
  printf "\\$(printf %03o ${#header})\0\0\0\0\0\0\0"
  printf '%s' "$header"
  head -c 20 /dev/zero
  printf '\0\0\300\177\0\0\200\077'
} > wide.safetensors
{
  printf 'GGUF\3\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  printf '\1\0\0\0\0\0\0\0v\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  head -c 64 /dev/zero
} > bare.bytes
head -c 96 bare.bytes > bare.gguf
for model in wide.safetensors bare.gguf; do
  expect 0 "$ADZE" init $model -o begin-$model.toml
  expect 0 "$ADZE" run begin-$model.toml
done
grep -q 'match = "d"' begin-wide.safetensors.toml || fail "the f64 tensor should be left out"
grep -q '{\*norm\*,\*.bias}' begin-bare.gguf.toml || fail "vectors should be left out"
expect 0 "$ADZE" diff wide.safetensors wide-small.safetensors --match d

expect 1 "$ADZE" init gone.safetensors
err_has "gone.safetensors"
expect 2 "$ADZE" init small.safetensors --json
expect 2 "$ADZE" init

expect 0 "$ADZE" schema
json_is "adze pipeline" title
json_is false additionalProperties
out_has '"const": "clip"'
done_

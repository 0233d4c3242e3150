#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze convert: the same model in another file, whole or not at all.
. "$(dirname "$0")/lib.sh"
need_slate

{
  printf 'SLATE\ntensor a f32 4 512\ntensor b u8 4 528\ntext who me\n'
  printf 'text adze.traits {"b":{"adze.frozen/1":{}}}\nend\n'
} > m.slate
dd if=/dev/zero of=m.slate bs=1 seek=1023 count=1 2> /dev/null
printf 'ABCDEFGHIJKLMNOPQRST' | dd of=m.slate bs=1 seek=512 conv=notrunc 2> /dev/null

mkdir made
expect 0 "$ADZE" convert m.slate made/n.tablet
out_empty
err_empty
expect 0 "$ADZE" diff m.slate made/n.tablet
expect 0 "$ADZE" convert m.slate made/o.slate --set shard=1
[ -f made/o.slate-2 ] || fail "there should be a second file"
expect 0 "$ADZE" diff m.slate made/o.slate
expect 0 "$ADZE" convert m.slate made/o.slate --set shard=1 --json
json_is made/o.slate to

# The same bytes again, onto itself too.
expect 0 "$ADZE" convert made/n.tablet made/p.slate
cmp -s made/n.tablet made/p.slate || fail "the bytes should be the same"
expect 0 "$ADZE" convert made/p.slate made/p.slate
cmp -s made/n.tablet made/p.slate || fail "the bytes should be the same"

# Refusals leave nothing, and what was there stays.
echo precious > made/q.slate
ls -A made > before
expect 1 "$ADZE" convert m.slate made/q.slate --set do=fail
err_has "the slate is full"
expect 2 "$ADZE" convert m.slate made/q.slate --set shrad=1
err_has "did you mean 'shard'"
expect 1 "$ADZE" convert m.slate made/q.unknown
err_has ".slate, .tablet"
expect 0 "$ADZE" convert m.slate made/r.unknown --to slate
rm made/r.unknown
expect 1 "$ADZE" convert m.slate made/q.slate --from sample
expect 1 "$ADZE" convert absent made/q.slate
sed 's/f32/f64/; s/a f64 4/a f64 2/' m.slate > long.slate
expect 1 "$ADZE" convert long.slate made/q.slate
err_has "cannot hold the tensor"
err_has "f64"
mkdir made/folder.slate
mkfifo made/pipe.slate
expect 4 "$ADZE" convert m.slate made/folder.slate
err_has "made/folder.slate is a folder, and a file is to be written there"
expect 4 "$ADZE" convert m.slate made/pipe.slate
err_has "made/pipe.slate is a named pipe, and a file is to be written there"
rm -r made/folder.slate made/pipe.slate
long=$(printf '%0244d' 7)
expect 4 "$ADZE" convert m.slate "made/$long.slate"
err_has "is too long: it has 250 bytes, and can have"
ls -A made > after
cmp -s before after || fail "the folder should be as before: $(diff before after)"
[ "$(cat made/q.slate)" = precious ] || fail "the old file should be there"

# What is in an ONNX graph beside its weights is named, since a file without the graph loses it: a
# tensor of strings "s" and a sparse one, beside the weight "w".
{
  printf '\010\010\072\036\022\001g\052\010\020\010\062\001x\102\001s\172\000'
  printf '\052\015\010\001\020\001\102\001w\112\004\000\000\200\077\102\002\020\021'
} > strings.onnx
expect 0 "$ADZE" show strings.onnx
err_has "1 tensor of strings (the first is 's') and 1 sparse one stay in the graph"
expect 1 "$ADZE" convert strings.onnx strings.safetensors
err_has "with drop-graph = true it is left out with all that is in it"
expect 0 "$ADZE" convert strings.onnx strings.safetensors --set drop-graph=true
err_has "1 tensor of strings (the first is 's')"

# The manual's example of a model in several files does what it says, here with less in each of them.
header='{"a":{"dtype":"F32","shape":[64],"data_offsets":[0,256]},"b":{"dtype":"F32","shape":[64],"data_offsets":[256,512]}}'
{
  # shellcheck disable=SC2059
  printf "\\$(printf %03o ${#header})\0\0\0\0\0\0\0"
  printf '%s' "$header"
  head -c 512 /dev/zero
} > whole.safetensors
expect 0 "$ADZE" convert whole.safetensors model.gguf --set architecture=llama
example=$(sed -n 's/\\-/-/g; s/=2GB/=300/; s/^adze convert \(--set shard-size=.*\)/\1/p' "$root/docs/man/adze-convert.1")
[ -n "$example" ] || fail "the manual has no example of shard-size"
# shellcheck disable=SC2086
expect 0 "$ADZE" convert $example
expect 0 "$ADZE" show "${example##* }"
[ -f model-00002-of-00002.safetensors ] || fail "there should be two files of numbers"
done_

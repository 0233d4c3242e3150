#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze diff: what two models differ in, tensor by tensor.
. "$(dirname "$0")/lib.sh"
need_slate

# slate FILE LINES: a model with these lines, and bytes from 512 on.
slate ()
{
  printf 'SLATE\n%send\n' "$2" > "$1"
  dd if=/dev/zero of="$1" bs=1 seek=1023 count=1 2> /dev/null
  printf '\000\000\200\077\000\000\000\300\000\000\000\000\000\000\200\077' |
    dd of="$1" bs=1 seek=512 conv=notrunc 2> /dev/null
}
line='
'
slate a.slate "tensor x f32 4 512${line}tensor y u8 4 528${line}text who me${line}"
slate b.slate "tensor y u8 4 528${line}tensor x f32 4 512${line}text who me${line}"
expect 0 "$ADZE" diff a.slate a.slate
out_has "2 of 2 tensors are identical"
out_has "nothing differs"
# The order of tensors is no difference.
expect 0 "$ADZE" diff a.slate b.slate

# A value.
printf '\002' | dd of=b.slate bs=1 seek=529 conv=notrunc 2> /dev/null
printf '\000\000\000\100' | dd of=b.slate bs=1 seek=512 conv=notrunc 2> /dev/null
expect 1 "$ADZE" diff a.slate b.slate
err_empty
out_has "1 of 4 values"
out_has "0 of 2 tensors are identical"
expect 1 "$ADZE" diff --json a.slate b.slate
json_is false same
json_is 1.0 tensors 0 max-error
json_is 1 tensors 0 zeros-a
json_is 3 tensors 1 zeros-b
expect 1 "$ADZE" diff --match y a.slate b.slate
out_lacks "x "
expect 1 "$ADZE" diff --match none a.slate b.slate
err_has "none"

# A value that is none any more is no small difference, and what cannot be measured has no measure.
# floats FILE FORMAT: two numbers, of f32 unless TYPE says otherwise.
floats ()
{
  slate "$1" "tensor x ${TYPE:-f32} 2 512${line}"
  # shellcheck disable=SC2059
  printf "$2" | dd of="$1" bs=1 seek=512 conv=notrunc 2> /dev/null
}
floats one.slate '\000\000\200\077\000\000\000\100'
floats inf.slate '\000\000\200\177\000\000\000\100'
floats nan.slate '\000\000\300\377\000\000\000\100'
for other in inf nan; do
  expect 1 "$ADZE" diff one.slate $other.slate
  out_has "1 of 2 values, 1 of them not finite"
  out_lacks "-nan"
  expect 1 "$ADZE" diff --json one.slate $other.slate
  json_is 1 tensors 0 not-finite
  out_lacks '"sqnr-db"'
  out_lacks '"cosine"'
done
floats infs.slate '\000\000\200\177\000\000\200\177'
floats nans.slate '\000\000\300\377\000\000\300\377'
expect 1 "$ADZE" diff --json infs.slate nans.slate
json_is 2 tensors 0 not-finite
out_lacks '"sqnr-db"'
# Doubles whose squares are no doubles: 2^1000 and 2^-1000 against twice as much.
TYPE=f64
floats large.slate '\0\0\0\0\0\0\160\176'
floats large2.slate '\0\0\0\0\0\0\200\176'
floats small.slate '\0\0\0\0\0\0\160\001'
floats small2.slate '\0\0\0\0\0\0\200\001'
TYPE=
for size in large small; do
  expect 1 "$ADZE" diff $size.slate ${size}2.slate
  out_lacks "nan"
  expect 1 "$ADZE" diff --json $size.slate ${size}2.slate
  json_is 1 tensors 0 differing
  out_lacks '"sqnr-db"'
done

# Integers that no double tells apart: 2^53 and 2^53 + 1; 2^64 - 1 and 2^64 - 2. Beside another type
# as well.
TYPE=i64
floats i53.slate '\0\0\0\0\0\0\040\0\1'
floats i53b.slate '\1\0\0\0\0\0\040\0\1'
TYPE=u64
floats u64.slate '\377\377\377\377\377\377\377\377\1'
floats u64b.slate '\376\377\377\377\377\377\377\377\1'
floats u53b.slate '\1\0\0\0\0\0\040\0\1'
TYPE=
for pair in "i53 i53b" "u64 u64b" "i53 u53b"; do
  expect 1 "$ADZE" diff "${pair% *}.slate" "${pair#* }.slate"
  out_has "1 of 2 values"
  expect 1 "$ADZE" diff --json "${pair% *}.slate" "${pair#* }.slate"
  json_is 1 tensors 0 differing
  json_is 1.0 tensors 0 max-error
done
expect 1 "$ADZE" diff i53b.slate u53b.slate
out_has "same values"

# Types, shapes, names, traits, metadata, parts.
slate c.slate "tensor x f32 2x2 512${line}tensor z u8 4 528${line}text who you${line}text why so${line}part p/1 x${line}"
expect 1 "$ADZE" diff a.slate c.slate
out_has "[4] became [2, 2]"
out_has "only in A"
out_has "only in B"
out_has '"you"'
out_has "why"
out_has "p/1"
slate d.slate "tensor x u8 4 512${line}tensor y u8 4 528${line}text who me${line}text adze.traits {\"y\":{\"adze.frozen/1\":{}}}${line}"
expect 1 "$ADZE" diff a.slate d.slate
out_has "f32 became u8"
out_has "other traits"
slate e.slate "blocks x q 4 16 4 512${line}"
slate f.slate "blocks x q 4 16 4 516${line}"
expect 1 "$ADZE" diff e.slate f.slate
out_has "other bytes (q is not decoded)"
expect 0 "$ADZE" diff e.slate e.slate
expect 1 "$ADZE" diff a.slate absent
err_has "absent"
done_

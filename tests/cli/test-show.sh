#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze show: what is in a file, without reading the weights unless they are asked for.
. "$(dirname "$0")/lib.sh"
need_slate

# At byte 512 four floats: 1, -2, 0, NaN; at 528 two blocks of a codec.
{
  printf 'SLATE\ntensor fc1.weight f32 2x2 512\nblocks fc2.weight q8_0 32 34 64 528\n'
  printf 'tensor odd\033[31m u8 3 600\n'
  printf 'text author some\033body\nnumber depth 3\nlist sizes 1 2 3\npart slate.graph/1 graph\n'
  printf 'text adze.traits {"fc1.weight":{"adze.nm/1":{"n":2,"m":4}}}\nend\n'
} > m.slate
dd if=/dev/zero of=m.slate bs=1 seek=1023 count=1 2> /dev/null
printf '\000\000\200\077\000\000\000\300\000\000\000\000\000\000\300\177' |
  dd of=m.slate bs=1 seek=512 conv=notrunc 2> /dev/null

expect 0 "$ADZE" show m.slate
err_empty
out_has "m.slate: slate, 1.02 kB"
out_has "fc1.weight  "
out_has "f32"
out_has "[2, 2]"
out_has "adze.nm/1"
out_has "q8_0"
out_has "author"
out_has "[1, 2, 3]"
out_has "slate.graph/1"
out_has "3 tensors, 71 elements, 87 bytes: f32 16 bytes, q8_0 68 bytes, u8 3 bytes"
# Nothing of the file reaches the terminal as a command.
out_lacks "$(printf '\033')"
out_has 'odd\u001b[31m'

expect 0 "$ADZE" show --stats m.slate
out_has "MEAN"
out_has "-0.3333333"
out_has "q8_0 is not decoded"

expect 0 "$ADZE" show --json --stats m.slate
json_is slate format
json_is fc1.weight tensors 0 name
json_is 2 tensors 0 shape 1
json_is 512 tensors 0 offset
json_is 1 tensors 0 stats zeros
json_is 1 tensors 0 stats nan
json_is 4 tensors 0 traits adze.nm/1 m
json_is q8_0 tensors 1 not-decoded
json_is 1024 files 0 bytes
json_is 3 metadata depth
json_is 71 totals elements

expect 0 "$ADZE" show --match 'fc?.*' m.slate
out_has "2 tensors of 3"
expect 0 "$ADZE" show --match 're:fc1\..*' m.slate
out_has "1 tensor of 3"
expect 1 "$ADZE" show --match 'none*' m.slate
err_has "no tensor of m.slate is named like 'none*'"
expect 2 "$ADZE" show --match '[' m.slate
err_has "no pattern"

# A limit, a format, and what is none.
expect 1 "$ADZE" show --structure-limit 16 m.slate
expect 2 "$ADZE" show --structure-limit many m.slate
err_has "a size such as 64MiB, not 'many'"
expect 0 "$ADZE" show --format slate m.slate
expect 1 "$ADZE" show --format slat m.slate
err_has "did you mean 'slate'"
echo junk > junk
expect 1 "$ADZE" show junk
err_has "6a 75 6e 6b"
err_has "slate"
expect 1 "$ADZE" show --json junk
json_valid
expect 1 "$ADZE" show absent
err_has "absent"

# The weights of a large file are not looked at. (strace and leak checking exclude each other.)
printf 'SLATE\ntensor w f32 268435456 65536\nend\n' > large.slate
truncate -s 1073807360 large.slate 2> /dev/null && command -v strace > /dev/null \
  && [ "${ADZE_SANITIZERS-none}" = none ] && {
  expect 0 strace -f -e trace=pread64,read,mmap -o trace "$ADZE" show large.slate
  [ -s trace ] && awk '/pread64/ { sub(/.*= /, ""); sum += $1 }
    END { exit sum > 300000 }' trace || fail "only the head should be read: $(grep pread64 trace)"
}
done_

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names that somebody put control characters in: whatever prints them, none reaches the terminal.
. "$(dirname "$0")/lib.sh"
[ "${ADZE_SHARED-}" != no ] || done_

# U+009B begins a sequence of a terminal, U+202E turns the line round, U+0085 ends it.
csi=$(printf '\302\233')
rlo=$(printf '\342\200\256')
nel=$(printf '\302\205')

# harmless: neither output has any of them, nor a byte of a terminal's own.
harmless ()
{
  for bad in "$csi" "$rlo" "$nel" "$(printf '\033')" "$(printf '\177')"; do
    out_lacks "$bad"
    err_lacks "$bad"
  done
}

name="a${csi}31m${rlo}b${nel}\\u001b\\u007f\\nc"
header='{"__metadata__":{"k'$csi'":"v'$rlo'"},"'$name'":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"w":{"dtype":"F32","shape":[3],"data_offsets":[16,28]}}'
size=$(printf '%s' "$header" | wc -c)
{
  # shellcheck disable=SC2059
  printf "\\$(printf %03o "$size")\0\0\0\0\0\0\0"
  printf '%s' "$header"
  printf '\0\0\200\77\0\0\0\100\0\0\100\100\0\0\200\100\0\0\200\77\0\0\0\100\0\0\200\77'
} > m.safetensors

expect 0 "$ADZE" init m.safetensors
harmless
out_has '#   a\u009b31m\u202eb\u0085\u001b\u007f\u000ac  [2, 2]'
out_has 'match = "a\u009B31m\u202Eb\u0085\u001B\u007F\nc"'
mv out p.toml

expect 0 "$ADZE" plan p.toml
harmless
# The rule that init wrote is for this tensor: an escape means what it stands for.
out_has 'a\u009b31m\u202eb\u0085\u001b\u007f\u000ac f32 [2, 2] -> skipped, by rule '"'"'a\u009b31m'
expect 0 "$ADZE" plan p.toml --json
harmless
json_valid

expect 0 "$ADZE" run p.toml
harmless
asked=$(printf 'a%s31m%sb%s\033\177\nc' "$csi" "$rlo" "$nel")
expect 0 "$ADZE" why last "$asked"
harmless
out_has 'a\u009b31m\u202eb\u0085\u001b\u007f\u000ac in 0001-m'
out_has 'skipped'
expect 0 "$ADZE" why last "$asked" --json
harmless
json_valid
expect 1 "$ADZE" why last "a${csi}x"
harmless
expect 0 "$ADZE" run p.toml --explain
harmless

expect 0 "$ADZE" show m.safetensors
harmless
expect 0 "$ADZE" show m.safetensors --json
harmless
out_has '\u009B'
out_has '\u202E'
json_valid
expect 0 "$ADZE" diff m.safetensors m-small.safetensors
harmless
expect 0 "$ADZE" diff m.safetensors m-small.safetensors --json
harmless
json_valid
done_

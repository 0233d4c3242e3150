#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze backend list, check, bench. The plugin is tests/plugins/moon.c, which has memory of its own.
. "$(dirname "$0")/lib.sh"

[ "${ADZE_SHARED-}" != no ] || done_
mkdir -p plugins "$XDG_CONFIG_HOME/adze"
echo "trusted = [\"$work/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
export ADZE_PLUGIN_PATH="$work/plugins"

# moon_with FLAGS...
moon_with ()
{
  rm -f plugins/moon.so
  ${CC:-cc} -std=gnu11 -O1 -ffp-contract=off -shared -fPIC -fvisibility=hidden \
    -I"$root/sdk/include" "$@" -o plugins/moon.so "$root/tests/plugins/moon.c" 2> err || {
    echo "no compiler for the plugin moon:"
    cat err
    exit 77
  }
}

moon_with
expect 0 "$ADZE" backend list
err_empty
grep -Eq '^ref +ref [0-9.]+ +any-threads +processor +' out || fail "ref should be listed"
grep -Eq '^moon +moon 1\.0\.0 +any-threads +device 12' out || fail "the moon should be listed"
expect 0 "$ADZE" backend list --json
json_valid
out_has '"memory": "device 12"'

# One that cannot be used is no reason not to see the others.
moon_with -DHERE
expect 0 "$ADZE" backend list
out_has "ref "
err_has "could not be used"

moon_with
expect 0 "$ADZE" backend check moon --rounds 2
err_empty
grep -Eq '^MatMul +f32 +[0-9]+ +[0-9]+ .* holds$' out || fail "MatMul should hold"
out_has "9 operators claimed, 0 lines broken"
out_lacks BROKEN
grep -q '^not claimed: .*Softmax' out || fail "Softmax should be among those that are not claimed"
grep -q '^not looked at, .*Loop' out || fail "Loop should be among those without a problem"
expect 0 "$ADZE" backend check moon --rounds 1 --only MatMul --json
json_is MatMul lines 0 operator
json_is f32 lines 0 type
json_is holds lines 0 verdict
json_is "not claimed" lines 1 verdict

# The same again is the same; other sizes are others.
expect 0 "$ADZE" backend check moon --only MatMul --rounds 3 --seed 5
mv out first
expect 0 "$ADZE" backend check moon --only MatMul --rounds 3 --seed 5
cmp -s out first || fail "the same seed should say the same"

moon_with -DWRONG
expect 1 "$ADZE" backend check moon --rounds 1
grep -Eq '^Relu +f32 .* BROKEN$' out || fail "Relu should be broken"
out_has "1 line broken"
grep -q '^f32: Relu (.*), sizes of 1: element 0 is .*, and ref' out || fail "the first case should be shown"
grep -Eq '^Add +f32 .* holds$' out || fail "Add should hold nevertheless"
expect 1 "$ADZE" backend check moon --rounds 1 --json
json_valid

# Nobody says what Relu makes of NaN: it is told, and breaks nothing.
moon_with
expect 0 "$ADZE" backend check moon --rounds 1 --only Relu
out_lacks "numbers of NaN"
moon_with -DLOSES
expect 0 "$ADZE" backend check moon --rounds 1 --only Relu
out_has "makes numbers of NaN where ref keeps it, which no standard forbids: Relu"
expect 0 "$ADZE" backend check moon --rounds 1 --only Relu --json
json_valid
out_has '"loses-nan": true'

# Small enough for the bound, but it promised the same bytes.
moon_with -DRESTLESS
expect 1 "$ADZE" backend check moon --rounds 1 --only Relu
out_has "the second execution gives other bytes than the first"

moon_with -DNOTHING
expect 0 "$ADZE" backend check moon --rounds 1
out_has "it claims nothing of what the kit has problems for"

# One that claims what it then does not do.
moon_with -DREFUSES
expect 1 "$ADZE" backend check moon --rounds 1 --only Relu
out_has "it was claimed, and then: "

expect 0 "$ADZE" backend check ref --rounds 1 --only Gemm
out_has "1 operator claimed, 0 lines broken"
expect 2 "$ADZE" backend check moon --only no-operator-has-this-name
err_has "no operator that there is a case for has 'no-operator-has-this-name' in its name"
expect 1 "$ADZE" backend check mon
err_has "moon"
expect 2 "$ADZE" backend check
expect 2 "$ADZE" backend check clip
err_has "is of kind technique, and no backend"
expect 2 "$ADZE" backend check onednn --set threads=many

# Figures are there; what they are, no test can know.
expect 0 "$ADZE" backend bench ref --timings 1 --json
json_is 1 backends 0 lines 6 timings
json_is "images/s" backends 0 lines 6 unit
json_is 0 backends 0 lines 0 delegated
expect 2 "$ADZE" backend bench --set threads=1
err_has "--set needs the name of the backend"
done_

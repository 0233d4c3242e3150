#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze plugin try.
. "$(dirname "$0")/lib.sh"

need_sample
sample=plugins/sample.so
scale="$sample --component sample-scale"
spoil="$sample --component sample-spoil"

# shellcheck disable=SC2086
{
  expect 0 "$ADZE" plugin try $scale --data 1,2,3
  out_is "2 4 6"
  err_empty
  expect 0 "$ADZE" --plugin-path plugins plugin try sample-scale --data 1,2,3 --set factor=0.5
  out_is "0.5 1 1.5"
  expect 0 "$ADZE" plugin try $scale
  out_is "2 4 6 8"
  expect 0 "$ADZE" plugin try $scale --shape 2x3
  out_is "2 4 6
8 10 12"
  expect 0 "$ADZE" plugin try $scale --shape 2x1x2 --data=-1,0.1,1e10,nan
  out_is "-2 0.2
2e+10 nan"
  expect 0 "$ADZE" plugin try $scale --shape 0
  out_is ""

  # Isolation: unless it is told otherwise, also of what is trusted.
  mkdir -p "$XDG_CONFIG_HOME/adze"
  printf 'trusted = ["%s/plugins"]\n' "$PWD" > "$XDG_CONFIG_HOME/adze/config.toml"
  expect 0 "$ADZE" --plugin-path plugins plugin try sample-scale --json
  json_is true isolated
  rm "$XDG_CONFIG_HOME/adze/config.toml"
  expect 0 "$ADZE" plugin try $scale --json
  json_is true isolated
  json_is true changed
  json_is f32 dtype
  json_is 4 shape 0
  json_is 8 data 3
  expect 0 "$ADZE" plugin try $scale --in-process --json --data inf
  json_is false isolated
  json_is inf data 0
  expect 2 "$ADZE" plugin try $scale --in-process --isolate
  expect 2 "$ADZE" plugin try $scale --in-process --time-limit 5
  expect 2 "$ADZE" plugin try $scale --in-process --time-limit 0
  expect 0 "$ADZE" plugin try $scale --time-limit 60000
  expect 0 "$ADZE" plugin try $scale --time-limit 0
  out_is "2 4 6 8"
  expect 0 "$ADZE" plugin try --help
  out_has "60000 unless given"
  # The address sanitizer takes more memory than any limit allows.
  [ "$ADZE_SANITIZERS" != none ] || expect 0 "$ADZE" plugin try $scale --memory-limit 4GiB
  # Too little of it is not the plugin's fault, and the limit is named.
  if [ "$ADZE_SANITIZERS" = none ]; then
    expect 1 "$ADZE" plugin try $scale --memory-limit 1k
    err_has "memory limit: 1024 bytes"
  fi

  # What it leaves alone is printed as it was, and that is said.
  for dtype in $("$ADZE" plugin try --words | sed -n 's/^--dtype //p' | tr '|' ' '); do
    case $dtype in
      f32) continue ;;
      bool) numbers="1 0" ;;
      *) numbers="1 100" ;;
    esac
    expect 0 "$ADZE" plugin try $scale --dtype "$dtype" --data "$(echo $numbers | tr ' ' ,)"
    out_is "$numbers"
    err_has "sample-scale left the tensor as it was"
  done
  expect 0 "$ADZE" plugin try $scale --dtype i8 --data=-128,127
  out_is "-128 127"
  expect 0 "$ADZE" plugin try $scale --dtype u64 --data 18446744073709551615
  out_is "18446744073709551615"
  expect 0 "$ADZE" plugin try $scale --dtype f64 --data 0.1,1e300 --json
  json_is false changed
  out_has '[0.1, 1e+300]'

  # A word is read whole, however long it is, and what does not fit is refused.
  zeros=0000000000000000000000000000000000000000
  expect 0 "$ADZE" plugin try $scale --dtype f64 --data "1$zeros${zeros}0"
  out_is "1e+81"
  expect 0 "$ADZE" plugin try $scale --dtype f64 --data "0.$zeros${zeros}1234"
  out_is "1.234e-81"
  expect 0 "$ADZE" plugin try $scale --shape "${zeros}2" --data 1,2
  out_is "2 4"
  expect 0 "$ADZE" plugin try $scale --data=-inf,inf,nan,Infinity
  out_is "-inf inf nan inf"
  expect 0 "$ADZE" plugin try $scale --data 1e-45
  out_is "2.8026e-45"
  expect 2 "$ADZE" plugin try $scale --data 1e999
  err_has "'1e999' in --data is no number that f32 can hold"
  err_has "3.4028235e+38"
  expect 2 "$ADZE" plugin try $scale --data=-1e39
  expect 2 "$ADZE" plugin try $scale --data 1e-60
  expect 2 "$ADZE" plugin try $scale --dtype f64 --data 1e999
  err_has "1.7976931348623157e+308"
  expect 2 "$ADZE" plugin try $scale --dtype i8 --data "1$zeros$zeros"
  err_has "from -128 to 127"
  expect 2 "$ADZE" plugin try $scale --shape "2x${zeros}x99999999999999999999"

  # Wrong: each with the thing that is wrong.
  expect 2 "$ADZE" plugin try $scale --dtype i8 --data 128
  err_has "'128' in --data is no number that i8 can hold, which takes whole numbers from -128 to"
  expect 2 "$ADZE" plugin try $scale --dtype u8 --data=-1
  expect 2 "$ADZE" plugin try $scale --data 1,,2
  expect 2 "$ADZE" plugin try $scale --data 1,2 --shape 3
  err_has "--data has 2 numbers, the shape needs 3"
  expect 2 "$ADZE" plugin try $scale --shape 2by3
  expect 2 "$ADZE" plugin try $scale --shape 100000x100000
  expect 2 "$ADZE" plugin try $scale --dtype f8
  expect 2 "$ADZE" plugin try $scale --memory-limit lots
  expect 2 "$ADZE" plugin try $scale --set factor=-1
  err_has "factor"
  expect 2 "$ADZE" plugin try $scale --set factr=1 --json
  json_is param error status
  # The command line is wrong in whatever way a setting is, and never the plugin.
  expect 2 "$ADZE" plugin try $scale --set factor
  err_has "one reads name = value"
  expect 2 "$ADZE" plugin try $scale --set =3
  expect 2 "$ADZE" plugin try $scale --set factor=1 --set factor=2 --json
  err_has "'factor' is set twice"
  json_is param error status
  expect 2 "$ADZE" plugin try $scale --set factor=99999999999999999999
  err_has "99999999999999999999 is too large for an integer of 64 bits"
  expect 2 "$ADZE" --plugin-path plugins plugin try $scale --observe 'sample-watch:a ='
  expect 2 "$ADZE" --plugin-path plugins plugin try sample-watch
  err_has "'sample-watch' is of kind observer and cannot be fed tensors"
  expect 2 "$ADZE" --plugin-path plugins plugin try $scale --observe sample-scale
  err_has "'sample-scale' is of kind technique and cannot watch"
  expect 2 "$ADZE" plugin try $sample
  err_has "choose one with --component"
  expect 2 "$ADZE" plugin try $sample --component sample-scal
  err_has "did you mean 'sample-scale'?"
  expect 2 "$ADZE" plugin try sample-scale --component x
  expect 1 "$ADZE" plugin try sample-scale
  expect 1 "$ADZE" plugin try no-such-file.so
  echo junk > plugins/junk.so
  expect 1 "$ADZE" plugin try plugins/junk.so
  err_has "cannot use"
  expect 1 "$ADZE" plugin try plugins/junk.so --json
  json_valid

  # A technique that misbehaves has failed, and nothing else has.
  expect 1 "$ADZE" plugin try $spoil
  err_has "it was told to"
  expect 1 "$ADZE" plugin try $spoil --data=-1
  err_has "sample-spoil"
  expect 1 "$ADZE" plugin try $spoil --data=-1 --json
  json_is crashed error status
  expect 1 "$ADZE" plugin try $spoil --data 1001 --time-limit 200 --json
  json_is timeout error status

  # So has one that does it at its end: nothing was made of the tensor.
  for how in --in-process --isolate; do
    expect 1 env SAMPLE_END=keep "$ADZE" plugin try $scale $how
    err_has "'sample-scale' did not release 8 bytes"
    out_empty
  done
  expect 1 env SAMPLE_END=abort "$ADZE" plugin try $scale
  err_has "destroy of 'sample-scale'"
  out_empty
  expect 1 env SAMPLE_END=exit "$ADZE" plugin try $scale --json
  json_is crashed error status

  # Whoever ends this very process is not taken for success.
  expect 4 env SAMPLE_END=exit "$ADZE" plugin try $scale --in-process
  err_has "adze plugin try was ended in the middle"
  expect 4 env SAMPLE_END=exit "$ADZE" plugin try $scale --in-process --json
  json_is failed error status
  err_has "adze plugin try was ended in the middle"

  # The log and the observers.
  expect 0 "$ADZE" plugin try $scale --verbose
  err_has "debug: sample-scale: the factor is 2"
  expect 0 "$ADZE" plugin try $scale
  err_lacks "the factor is 2"
  expect 0 "$ADZE" --plugin-path plugins plugin try sample-scale --in-process \
    --observe sample-watch
  err_has "sample-watch saw"
  expect 1 "$ADZE" plugin try $scale --observe no-such-observer

  # One that fails is not kept secret from scripts; the numbers are what they are.
  for how in --in-process --isolate; do
    expect 1 env SAMPLE_WATCH=fail "$ADZE" --plugin-path plugins plugin try sample-scale -q $how \
      --observe sample-watch
    out_is "2 4 6 8"
    err_has "adze: sample-watch failed: "
    err_has "it was told to stop watching"
  done
  expect 1 env SAMPLE_WATCH=abort "$ADZE" --plugin-path plugins plugin try sample-scale --json \
    --observe sample-watch
  json_is 8 data 3
  err_has "adze: sample-watch failed: "
  err_has "the observer stopped watching"
}

# Elements that are no whole bytes lie packed, from the lowest bit on.
need_plugin packed
pack ()
{
  code=$1 bits=$2 lanes=$3
  shift 3
  expect 0 "$ADZE" plugin try plugins/packed.so --dtype i64 --set "code=$code" --set "bits=$bits" \
    --set "lanes=$lanes" "$@"
}
pack 1 12 1 --data 1,4095,2748,0,291
out_is "1 4095 2748 0 291"
pack 0 12 1 --data=-1,-2048,2047,5
out_is "-1 -2048 2047 5"
pack 1 4 1 --data 1,15,7,9,3 --json
out_has '"data": [1, 15, 7, 9, 3]'
json_is 1:4x1 dtype
pack 0 4 1 --data=-8,7,-1
out_is "-8 7 -1"
pack 1 1 1 --data 1,0,1,1,0,0,0,1,1,0 --shape 2x5
out_is "1 0 1 1 0
0 0 1 1 0"
pack 6 1 1 --data 1,0,1
out_is "1 0 1"
pack 1 63 1 --data 9223372036854775807,1,9223372036854775806
out_is "9223372036854775807 1 9223372036854775806"
# What there is no way to write as a number is shown bit by bit, whole.
pack 2 12 1 --data 2748,291
out_is "0x0abc 0x0123"
pack 1 4 3 --data 2748,291 --json
out_has '"data": ["0x0abc", "0x0123"]'
pack 99 255 2 --data 1
out_is "0x$(printf '%0126d' 0)01"
pack 1 12 1 --shape 100000
[ "$(tr ' ' '\n' < out | tail -n 1)" = 100 ] || fail "the last of 100000 should be 100"
done_

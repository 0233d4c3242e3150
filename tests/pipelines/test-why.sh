#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `adze why` about a run whose files have been touched, copied or changed since, whose outputs can be
# written no more, about tensors with brackets in their names, and about those that come in by another
# port than the first.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

mkdir out watch
model model.safetensors 3 16 16
cat > p.toml << END
adze = 1
name = "asked"
[model]
path = "model.safetensors"
[[observer]]
use = "trace"
format = "json"
path = "watch/trace.jsonl"
[[stage]]
use = "clip"
percentile = 90
[[output]]
path = "out/out.safetensors"
END
must "$ADZE" run p.toml
tensor=$("$ADZE" show model.safetensors --json | sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$tensor" ] || complain "the model has no tensor"
must "$ADZE" why last "$tensor[1,2]"
grep -q 'threshold = ' must.out || complain "why says nothing of the threshold"
tail -n +2 must.out > answer
must "$ADZE" why last "$tensor[1,2]" --json
grep -q '"threshold": [0-9]' must.out || complain "a number is a number: $(cat must.out)"

# answers AFTER: the same as it did, but for the number of the run in its first line.
answers ()
{
  must "$ADZE" why last "$tensor[1,2]"
  tail -n +2 must.out | cmp - answer || complain "why should answer as it did: $*"
}

# What is in the file counts, and not when it was written or which one it is.
touch model.safetensors
answers "touched"
cp model.safetensors copy
mv copy model.safetensors
answers "copied"
[ "$(must "$ADZE" run p.toml --explain; grep -c 'is there already' must.out)" = 1 ] \
  || complain "--explain should agree"

# A run that found its result, and so read nothing itself, knows as much.
must "$ADZE" run p.toml
must "$ADZE" runs show last
touch model.safetensors
must "$ADZE" why last "$tensor[1,2]"
must "$ADZE" run p.toml --verify
touch model.safetensors
must "$ADZE" why last "$tensor[1,2]"

# Other weights are other weights, of whatever size the file is.
cp model.safetensors kept
size=$(stat -c %s model.safetensors)
printf 'XXXX' | dd of=model.safetensors bs=1 seek=$((size - 8)) conv=notrunc 2> /dev/null
must_fail "model.safetensors is not the file any more that it was when" "$ADZE" why 1 "$tensor"
grep -q "what to do: put the file back" must.out || complain "and what to do should be said"
cp kept model.safetensors
answers "put back"

# A run of an adze that kept no content is believed for the very file alone.
origin=$(ls -d adze-runs/*1-asked)/origin.json
sed -i 's/"contents"/"something"/' "$origin"
must_fail "is not the file any more" "$ADZE" why 1 "$tensor"

# Nothing is written, so where things were written is of no matter.
if [ "$(id -u)" != 0 ]; then
  chmod a-w out watch
  answers "read-only folders"
  chmod u+w out watch
fi
rm -r out watch
answers "folders that are gone"
must_fail "there is no folder $PWD/watch/" "$ADZE" check p.toml

# ---- A name with brackets is a name first.
header='{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w[0]":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'
{
  printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0%s" "$header"
  printf '\0\0\200\077\0\0\0\100\0\0\200\100\0\0\0\101'
} > brackets.safetensors
cat > brackets.toml << END
adze = 1
[model]
path = "brackets.safetensors"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "small.safetensors"
END
must "$ADZE" run brackets.toml
must "$ADZE" why last 'w[0]'
grep -qx '  cast (cast)' must.out || complain "w[0] is a tensor: $(cat must.out)"
must "$ADZE" why last 'w[0][1]'
grep -q 'cast (cast): 8.0 -> 8.0' must.out || complain "w[0][1] is 8: $(cat must.out)"
must "$ADZE" why last 'v[0]'
grep -q 'cast (cast): 1.0 -> 1.0' must.out || complain "v[0] is 1: $(cat must.out)"
must_fail "no stage of" "$ADZE" why last 'x[0]'

# ---- Tensors that come in by another port than the first.

# floats PATH NAME A B [NAME A B]: a model of tensors of two numbers, each of 0, 1, 2, 4 or 8.
floats ()
{
  local path=$1 header= data= offset=0 number
  shift
  while [ $# -gt 0 ]; do
    header=$header,\"$1\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[$offset,$((offset + 8))]}
    for number in "$2" "$3"; do
      case $number in
        0) data=$data'\0\0\0\0' ;;
        1) data=$data'\0\0\200\077' ;;
        2) data=$data'\0\0\0\100' ;;
        4) data=$data'\0\0\200\100' ;;
        8) data=$data'\0\0\0\101' ;;
      esac
    done
    offset=$((offset + 8))
    shift 3
  done
  header="{${header#,}}"
  printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0%s$data" "$header" > "$path"
}

# says LINE QUESTION: `adze why` of the last run says just that of its one stage, or of all of them.
says ()
{
  must "$ADZE" why last "$2"
  [ "$(tail -n +2 must.out)" = "$1" ] || complain "why $2 says $(cat must.out), should say: $1"
}

floats one.safetensors b 1 2 k 4 8
floats two.safetensors b 2 4 w 0 8
cat > two.toml << END
adze = 1
[model]
path = "one.safetensors"
[input.other]
kind = "model"
path = "two.safetensors"
[[stage]]
use = "merge"
unmatched = "keep"
weight = 1.0
inputs = { model = "input.model", other = "input.other" }
[[output]]
path = "both.safetensors"
END
must "$ADZE" run two.toml
says "  merge (merge), as its 'other'" w
says "  merge (merge), as its 'other': 8.0 -> 8.0" 'w[1]'
says "  merge (merge): 8.0 -> 8.0" 'k[1]'
says "  merge (merge): 2.0 -> 4.0" 'b[1]'
must "$ADZE" why last 'w[1]' --json
grep -q '"port": "other"' must.out || complain "the port should be in the JSON: $(cat must.out)"

# Of tensors that are worked on together, each has a way of its own.
cat > renamed.toml << END
adze = 1
[model]
path = "two.safetensors"
[input.other]
kind = "model"
path = "one.safetensors"
[[stage]]
use = "rename"
inputs = { model = "input.other" }
names = { k = "w" }
[[stage]]
use = "merge"
unmatched = "keep"
inputs = { model = "rename.model", other = "input.model" }
weight = 1.0
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "renamed-out.safetensors"
END
must "$ADZE" run renamed.toml
says "  merge (merge), as its 'other': 0.0 -> 0.0
  cast (cast): 0.0 -> 0.0" 'w[0]'
says "  rename (rename): 4.0 -> 4.0
  merge (merge): 4.0 -> 0.0
  cast (cast): 0.0 -> 0.0" 'k[0]'

# What another segment has made is not computed once more: the value is lost there, and said to be.
cat > made.toml << END
adze = 1
[model]
path = "one.safetensors"
[input.other]
kind = "model"
path = "two.safetensors"
[[stage]]
use = "cast"
to = "f16"
inputs = { model = "input.other" }
[[stage]]
use = "merge"
unmatched = "keep"
inputs = { model = "input.model", other = "cast.model" }
[[output]]
path = "made-out.safetensors"
END
must "$ADZE" run made.toml
says "  merge (merge): its value cannot be followed here" 'b[1]'
says "  merge (merge): 8.0 -> 8.0" 'k[1]'
says "  cast (cast): 8.0 -> 8.0
  merge (merge), as its 'other': 8.0 -> 8.0" 'w[1]'
must "$ADZE" why last 'b[1]' --json
grep -q '"followed": false' must.out || complain "and so in the JSON: $(cat must.out)"
finish

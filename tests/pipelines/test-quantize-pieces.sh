#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tensors that become codes go through a run in pieces of rows: memory does not grow with them, the plan says
# how much it is, and the bytes are those of any number of threads, of a process of its own, of a run that was
# killed and gone on with, and of the same rows as many small tensors.
. "$(dirname "$0")/runs-lib.sh"

# number KEY FILE
number ()
{
  sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}

# quantized NAME MODEL CODEC [LINE...]: NAME.toml, with more lines in front of the stage.
quantized ()
{
  printf 'adze = 1\nname = "%s"\n[model]\npath = "%s"\n' "$1" "$2"
  printf '%s\n' "${@:4}"
  printf '[[stage]]\nuse = "quantize"\ncodec = %s\n[[output]]\npath = "%s.safetensors"\n' "$3" "$1"
}

# tensors FILE SUFFIX: the bytes of all tensors whose names end so, one behind the other.
tensors ()
{
  /usr/bin/python3 - "$1" "$2" << 'END'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
table = json.loads(data[8:8 + size])
table.pop("__metadata__", None)
names = [name for name in table if name.endswith(sys.argv[2])]
for name in sorted(names, key=lambda name: int(name.split(".")[1])):
    first, last = table[name]["data_offsets"]
    sys.stdout.buffer.write(data[8 + size + first:8 + size + last])
END
}

# Rows of 520 numbers: pieces end nowhere near the leaves of scales, nor at those of codes of four bits.
model large.safetensors 1 24000 520
model small.safetensors 240 100 520

codecs=(
  'int8 { use = "int8", per = "channel" }'
  'int8a { use = "int8", per = "channel", symmetric = false }'
  'int4 { use = "int4", per = "group", group = 26 }'
  'int2 { use = "int2", per = "group", group = 40 }'
  'ternary { use = "ternary" }'
)
for line in "${codecs[@]}"; do
  name=${line%% *} codec=${line#* }
  quantized "$name" large.safetensors "$codec" > "$name.toml"
  quantized "$name-small" small.safetensors "$codec" > "$name-small.toml"
  must "$ADZE" run "$name-small.toml"
  must "$ADZE" run "$name.toml" --set run.threads=1
  for suffix in .weight .scale .zero; do
    tensors "$name.safetensors" $suffix > large.bytes
    tensors "$name-small.safetensors" $suffix > small.bytes
    [ -s large.bytes ] || [ $suffix = .zero ] || complain "$name: no plane $suffix"
    cmp large.bytes small.bytes || complain "$name: in pieces, $suffix has other bytes than small tensors have"
  done
  mv "$name.safetensors" one.safetensors
  for threads in 2 3; do
    must "$ADZE" run "$name.toml" --fresh --set run.threads=$threads
    cmp one.safetensors "$name.safetensors" || complain "$name: other bytes on $threads threads"
  done
  must "$ADZE" run "$name.toml" --fresh --set run.threads=2 --set stage.quantize.isolate=true
  cmp one.safetensors "$name.safetensors" || complain "$name: other bytes from a process of its own"
done

# ---- One scale for all: found in a pass in front, in pieces too, and written once.
quantized whole large.safetensors '{ use = "int8", per = "tensor" }' > whole.toml
must "$ADZE" run whole.toml --set run.threads=1
[ "$(tensors whole.safetensors .scale | wc -c)" = 4 ] || complain "one scale for all is not one number"
mv whole.safetensors one.safetensors
must "$ADZE" run whole.toml --fresh --set run.threads=3
cmp one.safetensors whole.safetensors || complain "one scale for all: other bytes on 3 threads"
must "$ADZE" run whole.toml --fresh --set stage.quantize.isolate=true
cmp one.safetensors whole.safetensors || complain "one scale for all: other bytes from a process of its own"

# ---- Stages of one segment, each in pieces: pruned, clustered, quantised.
three=('[[stage]]' 'use = "prune-magnitude"' 'pattern = "2:4"' '[[stage]]' 'use = "cluster"' 'k = 16'
  'centroids = "linear"' 'steps = 4')
quantized three large.safetensors '{ use = "int8", per = "channel" }' "${three[@]}" > three.toml
must "$ADZE" plan three.toml --json
[ "$(grep -c '"grain": "rows"' must.out)" = 3 ] || complain "the three stages do not all work on rows"
must "$ADZE" plan three.toml
grep -q '^segment 1 of 1:' must.out || complain "the three stages are no single segment"
must "$ADZE" run three.toml --set run.threads=1
mv three.safetensors one.safetensors
must "$ADZE" run three.toml --fresh --set run.threads=3
cmp one.safetensors three.safetensors || complain "three stages: other bytes on 3 threads"

# ---- Memory: that of pieces, whatever the tensor.
if [ "$ADZE_SANITIZERS" = none ]; then
  model larger.safetensors 1 96000 520
  for threads in 1 3; do
    for file in large larger; do
      quantized memory $file.safetensors '{ use = "int4", per = "group", group = 26 }' > memory.toml
      must "$ADZE" run memory.toml --fresh --set run.threads=$threads
      run=$(ls -d adze-runs/0* | tail -n 1)
      planned=$(number memory "$run/plan.json")
      taken=$(number peak-memory "$run/report.json")
      echo "$file, $threads threads: planned $planned, took $taken"
      [ "$taken" -le "$planned" ] || complain "$file, $threads threads: $taken bytes were taken, and $planned planned"
      eval "$file=$taken"
    done
    # shellcheck disable=SC2154
    [ "$larger" -lt $((large + 4000000)) ] \
      || complain "$threads threads: a tensor four times as large takes $larger bytes, and not $large"
  done
  must_fail "are not enough" "$ADZE" plan memory.toml --set run.max-rss=12MB
  must "$ADZE" run memory.toml --fresh --set run.max-rss=60MB
  rm larger.safetensors
fi

# ---- Killed and gone on with.
model several.safetensors 12 3000 520
quantized killed several.safetensors '{ use = "int8", per = "group", group = 26 }' \
  '[[stage]]' 'use = "fault"' 'mode = "delay"' 'delay-ms = 10' 'on-no-effect = "warn"' > killed.toml
start=${EPOCHREALTIME/./}
must "$ADZE" run killed.toml
took=$((${EPOCHREALTIME/./} - start))
mv killed.safetensors one.safetensors
unfinished=0
for round in $(seq 12); do
  rm -rf adze-runs killed.safetensors
  "$ADZE" run killed.toml > /dev/null 2>&1 &
  victim=$!
  sleep "$(awk -v r="$round" -v t=$took 'BEGIN { printf "%.4f", r / 13 * t / 1000000 }')"
  kill -9 $victim 2> /dev/null
  wait $victim 2> /dev/null
  # Too late, or not at all: the machine has more time for it than before.
  if [ -e killed.safetensors ]; then took=$((took * 3 / 4)); else unfinished=$((unfinished + 1)); fi
  must "$ADZE" run killed.toml
  cmp one.safetensors killed.safetensors || complain "round $round: other bytes"
  ls .killed.safetensors.*.part > /dev/null 2>&1 && complain "round $round: temporary files stayed"
done
echo "$unfinished of 12 runs were killed before their output stood"
[ $unfinished -gt 2 ] || complain "the moments were badly chosen"
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a format has against a model that only a stage with run can tell is said as soon as that has run,
# and not at the end of the work behind it.
. "$(dirname "$0")/runs-lib.sh"
plugins liar
model model.safetensors 4 16 16

cat > p.toml << 'END'
adze = 1
name = "late"
[model]
path = "model.safetensors"
[[stage]]
use = "liar-run"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "between.safetensors"
[[stage]]
use = "rename"
prefix-from = "layer."
prefix-to = "blk."
[[output]]
path = "out.gguf"
END
sed -i 's/"between.safetensors"/&\nfrom = "cast.model"/' p.toml
must "$ADZE" plan p.toml
must_fail "this output cannot be written as gguf" "$ADZE" run p.toml
events=$(ls -d adze-runs/0* | tail -n 1)/events.jsonl
[ "$(grep -c '"segment.started"' "$events")" = 1 ] || complain "work went on behind it"
must "$ADZE" run p.toml --set 'output.1.architecture="test"'
[ -e out.gguf ] && [ -e between.safetensors ] || complain "there are no outputs"

# What was written is as large as its file.
events=$(ls -d adze-runs/0* | tail -n 1)/events.jsonl
for file in out.gguf between.safetensors; do
  grep '"output.written"' "$events" | grep "$file" | grep -qw "$(stat -c %s $file)" \
    || complain "$file was written with another size: $(grep '"output.written"' "$events")"
done

# Nor is what was decided counted; and what came out otherwise than asked for can be looked up later.
cat > clip.toml << 'END'
adze = 1
name = "clip"
[model]
path = "model.safetensors"
[[stage]]
use = "clip"
percentile = 97
on-no-effect = "warn"
[[output]]
path = "clipped.safetensors"
END
must "$ADZE" run clip.toml --set stage.clip.percentile=97.03
grep -q '^clip: percentile asked for 97.03, got ' must.out || complain "requested and achieved are not said"
events=$(ls -d adze-runs/0* | tail -n 1)/events.jsonl
grep '"output.written"' "$events" | grep -qw "$(stat -c %s clipped.safetensors)" \
  || complain "clipped.safetensors was written with another size"
must "$ADZE" runs show last
grep -q '^  clip: percentile asked for 97.03, got ' must.out || complain "runs show: nothing of achieved"
must "$ADZE" run clip.toml --set stage.clip.percentile=100
must "$ADZE" runs show last
grep -q '^  clip: .* changed nothing: ' must.out || complain "runs show: no warning of no effect"
# A list that is cut says so.
last=$(find adze-runs -maxdepth 1 -name '0*' | sort | tail -n 1)
for number in $(seq 250); do
  echo '{"id": "log", "source": "clip", "fields": {"level": "warning", "message": "number '"$number"'"}}'
done >> "$last/events.jsonl"
must "$ADZE" runs show last
grep -q 'there is more, all of it in events.jsonl' must.out || complain "runs show: cut in silence"
finish

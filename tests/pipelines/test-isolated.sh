#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stage in a process of its own gives the same bytes; one that crashes, hangs or eats memory there
# is a failed stage with its name, what ended it and its parameters. Nothing else is harmed, and the
# run goes on from there once the stage is mended.
. "$(dirname "$0")/runs-lib.sh"
plugins liar place eater
model model.safetensors 12 64 64

pipeline ()
{
  cat << END
adze = 1
name = "isolated"
[model]
path = "model.safetensors"
[[stage]]
use = "cast"
to = "bf16"
id = "narrow"
[[stage]]
use = "clip"
percentile = 95
[[stage]]
use = "fault"
${1-}
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out.safetensors"
END
}

pipeline > p.toml
must "$ADZE" run p.toml --set run.threads=1
mv out.safetensors here.safetensors
must "$ADZE" run p.toml --fresh --set stage.narrow.isolate=true --set stage.clip.isolate=true \
  --set stage.cast.isolate=true --set run.threads=2
cmp out.safetensors here.safetensors || complain "a stage in its own process gives other bytes"
rm out.safetensors

# Many pieces of one size after the other, and a shorter one, of tensors of one shape: each knows its
# place and its name.
model numbered.safetensors 7 1500 1000
numbered ()
{
  printf 'adze = 1\nname = "%s"\n[model]\npath = "numbered.safetensors"\n' "$1"
  printf '[[stage]]\nuse = "place"\nisolate = %s\n[[output]]\npath = "%s.safetensors"\n' "$2" "$1"
}
numbered inside false > inside.toml
numbered outside true > outside.toml
must "$ADZE" run inside.toml
must "$ADZE" run outside.toml
cmp inside.safetensors outside.safetensors || complain "pieces came out in another one's place"
[ "$(tail -c 4 outside.safetensors | od -An -tf4 | tr -d ' ')" = 13499999 ] \
  || complain "the last element should be number 1499999 of layer 6"
rm -f numbered.safetensors inside.safetensors outside.safetensors

# breaks WORDS LINES: the stage fails with these words, the next run without the fault ends well.
breaks ()
{
  local words=$1
  pipeline "$2" > p.toml
  must_fail "$words" "$ADZE" run p.toml --fresh
  grep -q "fault" must.out || complain "the failure does not name the stage: $words"
  grep -q "mode" must.out || complain "the failure does not name the parameters: $words"
  [ ! -e out.safetensors ] || complain "half of a file stood under the output's name: $words"
  must "$ADZE" run p.toml --set stage.fault.mode=none
  cmp out.safetensors here.safetensors || complain "other bytes after: $words"
  rm -f out.safetensors
}

breaks "Segmentation fault" 'mode = "crash"
after = 5
isolate = true'
breaks "exited with code 0" 'mode = "exit"
after = 5
isolate = true'
breaks "300 ms" 'mode = "hang"
after = 5
isolate = { time = "300ms" }'

# More memory than it may have: a matrix of 64 MB, whole, in a process of 64 MiB. A sanitizer takes
# more than that for itself, before anything is loaded.
[ "$ADZE_SANITIZERS" = none ] || finish
model large.safetensors 1 8192 4096
# One that leaves no room for the plugin itself.
pipeline 'isolate = { memory = "1MB" }' > p.toml
must_fail "allow more in isolate = { memory = ... }" "$ADZE" run p.toml

pipeline 'isolate = { memory = "64MiB" }' | sed 's/"model.safetensors"/"large.safetensors"/' > p.toml
must_fail "memory limit: 67108864 bytes" "$ADZE" run p.toml
grep -q "fault" must.out || complain "the failure does not name the stage that ate memory"
[ ! -e out.safetensors ] || complain "half of a file stood under the output's name"
must "$ADZE" run p.toml --set stage.fault.isolate=false

# What a run took: its own memory, not that of who started it, and that of its processes.
# peak: of the last run, in MB.
peak ()
{
  sed -n 's/.*"peak-memory": \([0-9]*\)[0-9]\{6\}.*/\1/p' "$(ls -d adze-runs/0* | tail -n 1)/report.json"
}
pipeline > p.toml
must bash -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); exec "$ADZE" run p.toml --fresh'
[ "$(peak)" -lt 150 ] || complain "a run took $(peak) MB that were those of who started it"
pipeline 'isolate = true' | sed 's/"model.safetensors"/"large.safetensors"/' > p.toml
must "$ADZE" run p.toml --fresh --set stage.fault.isolate=false --set run.threads=1
here=$(peak)
must "$ADZE" run p.toml --fresh --set run.threads=1
[ "$(peak)" -gt $((here + 100)) ] || complain "the memory of a worker is not counted: $here, $(peak) MB"
# The plan counts the process, and what is shared with it, and is not far off.
must "$ADZE" plan p.toml --set run.threads=1
planned=$(sed -n 's/^memory: about \([0-9]*\).* MB at most.*/\1/p' must.out)
[ "$planned" -ge "$(peak)" ] && [ "$planned" -lt $(($(peak) * 3 / 2)) ] ||
  complain "planned were $planned MB, and $(peak) were taken"
must_fail "MB of memory are not enough: the stages from 'narrow' on need" \
  "$ADZE" run p.toml --fresh --set run.threads=1 --set "run.max-rss=$((here + 60))MB"
# What a plugin takes for itself, nobody foresees; afterwards it is told.
pipeline 'isolate = true' | sed 's/"fault"/"eater"/' > eats.toml
must "$ADZE" run eats.toml --fresh --set run.threads=1 --set run.max-rss=100MB
[ "$(peak)" -gt 150 ] || complain "the memory of a worker is not counted: $(peak) MB"
grep -q 'more than max-rss' must.out || complain "nobody is warned of what a worker takes"
finish

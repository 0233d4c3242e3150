#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a plan says of memory holds: no run takes more, whatever its threads, stages, formats and outputs
# that are copied; what the plan accepts with max-rss, the run does not refuse; and the report says the
# plan's number.
. "$(dirname "$0")/runs-lib.sh"
[ "$ADZE_SANITIZERS" = none ] || {
  echo "not applicable: sanitizers have memory of their own"
  exit 0
}

# number KEY FILE
number ()
{
  sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$2" | head -n 1
}

# obeys NAME [SETTING...]: NAME.toml takes no more than was planned.
obeys ()
{
  local name=$1 setting words=() run planned taken said
  shift
  for setting; do words+=(--set "$setting"); done
  must "$ADZE" run "$name.toml" --fresh "${words[@]}"
  run=$(ls -d adze-runs/0* | tail -n 1)
  planned=$(number memory "$run/plan.json")
  said=$(number predicted-memory "$run/report.json")
  taken=$(number peak-memory "$run/report.json")
  echo "$name $*: planned $planned, took $taken"
  [ "$said" = "$planned" ] || complain "$name $*: the report says $said, and the plan $planned"
  [ "$taken" -le "$planned" ] || complain "$name $*: $taken bytes were taken, and $planned planned"
}

# accepted NAME [SETTING...]: with what NAME.toml is planned to take as its limit, and a little, it runs.
accepted ()
{
  local name=$1 setting words=() limit
  shift
  for setting; do words+=(--set "$setting"); done
  must "$ADZE" plan "$name.toml" --json "${words[@]}"
  limit=$(($(number memory must.out) + 1000000))
  obeys "$name" "$@" "run.max-rss=$limit"
  grep -q 'more than max-rss' must.out && complain "$name $*: $limit bytes were not kept to"
}

# pipeline MODEL STAGES [OUTPUT...]: so many stages, and outputs that are copies of the input.
pipeline ()
{
  local model=$1 stages=$2 i
  shift 2
  printf 'adze = 1\n[model]\npath = "%s"\n' "$model"
  for i in $(seq "$stages"); do
    printf '[[stage]]\nuse = "cast"\nid = "s%s"\nto = "%s"\n' "$i" "$([ $((i % 2)) = 1 ] && echo f16 || echo f32)"
  done
  [ "$stages" = 0 ] || printf '[[output]]\npath = "out.safetensors"\n'
  for i; do
    printf '[[output]]\npath = "%s"\nfrom = "input.model"\n' "$i"
    case $i in *.gguf) printf 'architecture = "test"\n' ;; esac
  done
}

# ---- Outputs that are copied: a thread has a piece in hand, and a limit is obeyed.
model large.safetensors 20 1024 1024
pipeline large.safetensors 0 copy.safetensors > copy.toml
pipeline large.safetensors 1 copy.gguf > beside.toml
for threads in 1 2 8 16; do
  obeys copy run.threads=$threads
  accepted beside run.threads=$threads
done
obeys copy run.threads=16 run.max-rss=30MB
cmp large.safetensors copy.safetensors || complain "a copy has other bytes"
must_fail "2.00 MB of memory are not enough: to write the outputs takes" \
  "$ADZE" plan copy.toml --set run.max-rss=2MB
rm large.safetensors copy.* out.* 2> /dev/null

# ---- Tensors of many sizes: what was needed for one does not stay beside what the next one needs.
# sizes NAME ROWSxCOLUMNS...: NAME.safetensors, of f32, all of them zeros.
sizes ()
{
  local name=$1 header='{"__metadata__":{}' at=0 number=0 size
  shift
  for size; do
    header+=$(printf ',"t%d":{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}' $number \
      ${size%x*} ${size#*x} $at $((at + 4 * ${size%x*} * ${size#*x})))
    at=$((at + 4 * ${size%x*} * ${size#*x})) number=$((number + 1))
  done
  header+='}'
  { printf "$(printf '\\x%02x\\x%02x\\0\\0\\0\\0\\0\\0' $((${#header} % 256)) $((${#header} / 256)))"; printf '%s' "$header"; } \
    > "$name.safetensors"
  truncate -s $((8 + ${#header} + at)) "$name.safetensors"
}
taken ()
{
  must "$ADZE" run "$1.toml" --fresh --set run.threads=3
  number peak-memory "$(ls -d adze-runs/0* | tail -n 1)/report.json"
}
sizes like $(for i in $(seq 24); do echo 800x1024; done)
sizes mixed $(for i in $(seq 24); do echo "$((i * 7919 % 1500 + 1))x$((i * 104729 % 3000 + 1))"; done)
for name in like mixed; do
  pipeline $name.safetensors 4 | sed '/^to = /a on-no-effect = "warn"' > $name.toml
done
like=$(taken like) mixed=$(taken mixed)
echo "tensors of one size: took $like; of many: $mixed"
[ "$mixed" -lt $((like + like / 4)) ] || complain "tensors of many sizes take $mixed bytes, and of one $like"

# ---- Many tensors.
model many.safetensors 10000 4 4
for stages in 1 4; do
  pipeline many.safetensors $stages > "many$stages.toml"
  obeys "many$stages" run.threads=16
  accepted "many$stages" run.threads=2
done
pipeline many.safetensors 1 copy.safetensors copy.gguf > copies.toml
accepted copies
# In a process of its own a stage is told of all tensors, too.
obeys many1 run.threads=2 stage.s1.isolate=true

# ---- What is summed up of each tensor goes to disk as it comes, and is never held all together.
# each STAGE [LINE...]: a pipeline with it.
each ()
{
  printf 'adze = 1\n[model]\npath = "some.safetensors"\n[[stage]]\nuse = "%s"\n' "$1"
  printf '%s\n' "${@:2}" '[[output]]' 'path = "out.safetensors"'
}
# On disk it takes what the plan says, at most.
sums ()
{
  local planned taken
  "$ADZE" plan "$1.toml" --json > plan.json || complain "$1: there is no plan"
  planned=$(number sums-at-most plan.json)
  rm -rf adze-runs
  must "$ADZE" run "$1.toml"
  taken=$(find adze-runs -name 'decided.*' -o -name '*.decided.*' -o -name seen | xargs -d '\n' stat -c %s \
    | awk '{ sum += $1 } END { print sum }')
  echo "$1: planned $planned of disk, took $taken"
  [ "$taken" -gt 20000000 ] || complain "$1: what is summed up is too small to be seen: $taken"
  [ "$taken" -le "$planned" ] || complain "$1: $taken bytes of disk were taken, and $planned planned"
}
model some.safetensors 3000 4 4
each clip-tensor 'percentile = 50' > clip-tensor.toml
each profile > profile.toml
for stage in clip-tensor profile; do
  sums $stage
  accepted $stage
  obeys $stage run.max-rss=60MB
  obeys $stage run.max-rss=100MB "stage.$stage.isolate=true"
done
# And is found again.
must "$ADZE" run clip-tensor.toml
cp out.safetensors first.safetensors
must "$ADZE" run clip-tensor.toml
grep -q 'kept from an earlier run' must.out || complain "what was decided on is not found again"
rm out.safetensors
must "$ADZE" run clip-tensor.toml --set run.threads=4
cmp out.safetensors first.safetensors || complain "decided again, it gives other bytes"
must "$ADZE" why "$(ls adze-runs | grep '^0' | tail -n 1 | sed 's/-.*//')" 'layer.7.weight[0,0]'
grep -q 'threshold = ' must.out || complain "nobody can say why"

# ---- What a stage takes for itself: to cluster numbers they are sorted, in memory that is larger than they.
model some.safetensors 2 2048 1024
each cluster 'k = 16' > cluster.toml
obeys cluster run.threads=1
obeys cluster run.threads=2
accepted cluster
obeys cluster run.max-rss=400MB stage.cluster.isolate=true
must_fail "are not enough" "$ADZE" plan cluster.toml --set run.max-rss=60MB
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `adze plan` says of memory where stages have run: it rehearses them, knows then what they take and
# what is wrong with them, leaves nothing behind, and says what it cannot know.
. "$(dirname "$0")/train-lib.sh"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"

# plan NAME [OPTION...]: into NAME.txt, and as JSON into NAME.json.
plan ()
{
  must "$ADZE" plan "$1.toml" "${@:2}"
  cp must.out "$1.txt"
  "$ADZE" --json plan "$1.toml" "${@:2}" > "$1.json" 2> err || complain "no JSON of $1: $(cat err)"
}

# close_to_run NAME LEAST MOST [BYTES]: what its plan says is LEAST to MOST of what its run takes, and BYTES:
# what is added for running as such is much beside so little.
close_to_run ()
{
  plan "$1"
  must "$ADZE" run "$1.toml" --fresh
  local taken planned
  taken=$(sed -n 's/.*"peak-memory": \([0-9]*\).*/\1/p' \
    "$(find adze-runs -name report.json -newer "$1.json")")
  planned=$(sed -n 's/^  "memory": \([0-9]*\).*/\1/p' "$1.json")
  [ "$ADZE_SANITIZERS" = none ] || return # they have memory of their own for what is executed
  echo "$1: planned $planned, took $taken"
  awk "BEGIN { exit !($planned > $2 * $taken && $planned < $3 * $taken + ${4:-0}) }" \
    || complain "$1 was planned to take $planned bytes, and took $taken"
}

# ---- Rehearsed: about as much as the run, and nothing is left or told.
learn known conv.onnx 'optimiser = "adam"' 'epochs = 2' 'validation = "check"'
sed -i '/^epochs = 12/d; /^shuffle/d' known.toml
plan known
grep -q '^memory: about [0-9.]* MB$' known.txt || complain "not known: $(grep memory known.txt)"
holds known.json 'r["memory-unknown"] == []'
grep -q 'same order' known.txt && complain "a rehearsal was heard"
[ ! -e adze-runs ] && [ ! -e adze.lock ] && [ ! -e known-out.onnx ] \
  || complain "a plan has left something: $(ls)"
close_to_run known 0.75 1.33 4000000
grep -q 'same order' must.out || complain "the run is no longer heard"
{
  head_ known-out.onnx
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n'
} > judge.toml
close_to_run judge 0.75 1.33 4000000

# ---- Where weights are most of it, the plan is right to a tenth: they are in memory once for all graphs of a
# model, and are given in the place of what only steps have needed.
cat > make.toml << 'END'
adze = 1
[[stage]]
use = "build-model"
input = "1x4x4"
layers = ["flatten", "dense 2048 relu", "dense 2048 relu", "dense 4"]
[[output]]
path = "large.onnx"
END
must "$ADZE" run make.toml
for optimiser in adam sgd; do
  learn large-$optimiser large.onnx "optimiser = \"$optimiser\"" 'epochs = 1'
  sed -i '/^epochs = 12/d; s/^shuffle.*/&\nlimit = 20/' large-$optimiser.toml
  close_to_run large-$optimiser 0.9 1.1
done
learn large-watched large.onnx 'optimiser = "adam"' 'epochs = 2' 'validation = "check"' 'patience = 1'
sed -i '/^epochs = 12/d; s/^shuffle.*/&\nlimit = 20/' large-watched.toml
close_to_run large-watched 0.9 1.1

# ---- The same result with a rehearsal in front of it, which a limit asks for.
cp known-out.onnx without.onnx
must "$ADZE" run known.toml --fresh --set run.max-rss=1GB
cmp known-out.onnx without.onnx || complain "a rehearsal is seen in what was trained"
must_fail "1.00 MB of memory are not enough: stage 'train' needs about" \
  "$ADZE" plan known.toml --set run.max-rss=1MB
must_fail "1.00 MB of memory are not enough: stage 'train' needs about" \
  "$ADZE" run known.toml --fresh --set run.max-rss=1MB

# ---- What only run finds out is found out by the plan.
learn wrong mlp.onnx 'loss = "cross-entropy"' 'frozen = ["nobody"]'
must_fail "is none of the network's weights" "$ADZE" plan wrong.toml
grep -q "wrong.toml:1[0-9].*stage 'train' cannot run" must.out || complain "no place: $(cat must.out)"

# ---- A node in a body is told, and refused, as one outside.
{
  head_ loop.onnx
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n'
} > inside.toml
plan inside --backend onednn
grep -q 'by ref in its place (1 in bodies): .*Erf' inside.txt || complain "no body: $(cat inside.txt)"
holds inside.json 'r["networks"][0]["delegated-in-bodies"] == 1'
must_fail "(Erf) is not done by the backend 'onednn', and delegation to 'ref' is refused" \
  "$ADZE" plan inside.toml --backend onednn --set run.delegate=error
grep -q "'again' (Loop) cannot be computed" must.out && grep -q "its body 'body'" must.out \
  || complain "it is not said where that is: $(cat must.out)"

# ---- A training computes more than its network; what of that is left to ref is what the run counts.
learn left mlp.onnx
sed -i 's/^epochs = 12/epochs = 1/' left.toml
plan left --backend onednn
must "$ADZE" run left.toml --backend onednn
[ "$(told train.delegated)" -gt 0 ] || complain "onednn does all of a training: this shows nothing"
grep -q "with what 'train' adds to it, $(told train.delegated) nodes are by ref" left.txt \
  || complain "the run leaves $(told train.delegated) nodes to ref, and the plan says: $(cat left.txt)"
holds left.json "r['networks'][0]['delegated-at-work'] == $(told train.delegated)"

# ---- What comes after a stage that has to run first: training keeps the network, and what makes one smaller is
# rehearsed to its end.
judged ()
{
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nbatch = 101\n'
}
learn later large.onnx 'optimiser = "sgd"' 'epochs = 1'
sed -i '/^epochs = 12/d; s/^shuffle.*/&\nlimit = 20/' later.toml
judged >> later.toml
{
  head_ half.onnx
  printf '[[stage]]\nuse = "optimise-graph"\n'
  judged
} > smaller.toml
for name in later smaller; do
  plan $name
  grep -q '^memory: about [0-9.]* MB$' $name.txt || complain "$name, not known: $(grep memory $name.txt)"
  holds $name.json 'r["memory-unknown"] == []'
  close_to_run $name 0.75 1.33 4000000
done
holds "$(find adze-runs -name report.json -newer smaller.json)" \
  'r["predicted-memory-unknown"] == ["optimise-graph", "evaluate"] and r["predicted-memory"] > 0'

# ---- What a process of its own takes is not taken here, and nobody knows how much it is.
learn apart mlp.onnx 'isolate = true'
plan apart
holds apart.json 'r["memory-unknown"] == ["train"]'

# ---- Without such stages it is a bound, as ever.
cat > bound.toml << END
adze = 1
[model]
path = "$PWD/mlp.onnx"
[[stage]]
use = "profile"
END
plan bound
grep -q '^memory: about .* at most$' bound.txt || complain "no bound: $(grep memory bound.txt)"
holds bound.json 'r["memory-unknown"] == []'

finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `adze plan` of a pipeline that begins with a stage that builds its network: what comes behind it is planned
# as with a model that lies in a file, and nothing is left of what was built for that.
. "$(dirname "$0")/train-lib.sh"

# built NAME LAYER...: writes NAME.toml, which builds a network and works on it as the lines on standard
# input say; and NAME-file.toml, which does the same from a file.
built ()
{
  local name=$1 layer
  shift
  cat > body
  {
    head_ "$name-in.onnx" | sed '/^\[model\]/,/^path/d'
    printf '[[stage]]\nuse = "build-model"\ninput = "16"\nlayers = [\n'
    for layer; do
      printf '  "%s",\n' "$layer"
    done
    printf ']\n'
  } > top
  cat top body > "$name.toml"
  { cat top; printf '[[output]]\npath = "%s-in.onnx"\n' "$name"; } \
    | sed '/^\[data/,/^labels/d; /^shuffle/d' > "$name-make.toml"
  must "$ADZE" run "$name-make.toml"
  { head_ "$name-in.onnx"; cat body; } > "$name-file.toml"
}

# told_of STAGE WORDS: the plan, in must.out, says WORDS of its network.
told_of ()
{
  grep -A20 "^  $1 (" must.out | grep -m1 'network of' | grep -qF -- "$2" \
    || complain "of '$1' the plan does not say: $2; it says: $(cat must.out)"
}

train_='[[stage]]
use = "train"
data = "train"
batch = 16
epochs = 1'

# ---- What is computed by whom, and what it takes.
built whole 'dense 16 gelu' 'dense 4' << END
[[stage]]
use = "optimise-graph"
on-no-effect = "warn"
[[stage]]
use = "evaluate"
inputs = { model = "build-model.model" }
data = "test"
$train_
inputs = { model = "build-model.model" }
[[output]]
path = "whole.onnx"
[[output]]
path = "smaller.onnx"
from = "optimise-graph.model"
END
sed 's/^inputs = .*/inputs = { model = "input.model" }/' whole-file.toml > t && mv t whole-file.toml
rm -rf adze-runs adze.lock
must "$ADZE" plan whole.toml --backend onednn
for stage in optimise-graph evaluate train; do
  told_of $stage "computed by onednn, 1 of them by ref in its place: Erf"
done
grep -q "^memory: about [0-9.]* MB$" must.out || complain "not all is known: $(grep '^memory' must.out)"
[ ! -e adze-runs ] && [ ! -e adze.lock ] && [ ! -e whole.onnx ] || complain "a plan has left something: $(ls)"
"$ADZE" --json plan whole.toml > built.json || complain "no JSON"
"$ADZE" --json plan whole-file.toml > file.json || complain "no JSON"
holds built.json "r['networks'] == json.load(open('file.json'))['networks'] and len(r['networks']) == 3"
holds built.json "r['memory-unknown'] == []"
[ "$ADZE_SANITIZERS" != none ] || holds built.json "0.7 * r['memory'] < json.load(open('file.json'))['memory'] < 1.3 * r['memory']"
must "$ADZE" run whole.toml

# ---- What works on tensors is shown them.
built clipped 'dense 8 relu' 'dense 4' << END
[[stage]]
use = "clip"
percentile = 99
[[output]]
path = "clipped.onnx"
END
must "$ADZE" plan clipped.toml
grep -q '^    layer.0.weight  *f32 \[8, 16\] -> ' must.out || complain "no tensors: $(cat must.out)"
grep -q '^output .*clipped.onnx: onnx, 4 tensors' must.out || complain "no output: $(cat must.out)"

# ---- What cannot go well is refused, with its place, by the plan.
built refused 'dense 16 gelu' 'dense 4' << END
$train_
[[output]]
path = "refused.onnx"
END
must "$ADZE" plan refused.toml --backend onednn --set run.delegate=warn
must_fail "(Erf) is not done by the backend 'onednn', and delegation to 'ref' is refused" \
  "$ADZE" plan refused.toml --backend onednn --set run.delegate=error
grep -q "refused.toml:[0-9]*:.*stage 'train' cannot run" must.out || complain "no place: $(cat must.out)"
built wide 'dense 3' << END
$train_
[[output]]
path = "wide.onnx"
END
must_fail "takes whole numbers from 0 to 2" "$ADZE" plan wide.toml
built plain 'dense 4' << END
[[stage]]
use = "clip"
[[output]]
path = "plain.safetensors"
END
must_fail "which safetensors cannot hold" "$ADZE" plan plain.toml

[ "$ADZE_SANITIZERS" = none ] || finish # they have memory of their own
built large 'dense 1024 relu' 'dense 1024 relu' 'dense 4' << END
$train_
[[output]]
path = "large.onnx"
END
must_fail "50.0 MB of memory are not enough: stage 'train' needs about" \
  "$ADZE" plan large.toml --set run.max-rss=50MB --set run.threads=1

finish

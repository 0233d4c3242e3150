#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A network goes through stages that change its tensors alone, and through the store of results: what
# stands behind them computes with it, in the run that has made a result as in those that find it. And
# `adze plan` says who will compute it.
. "$(dirname "$0")/train-lib.sh"
plugins pupil

# behind NAME MODEL LAST [LINE...]: writes NAME.toml: MODEL is clipped, and then LAST takes it, as the
# lines say.
behind ()
{
  local name=$1 model=$2 last=$3
  shift 3
  {
    head_ "$model"
    printf '[[stage]]\nuse = "clip"\npercentile = 60\n[[stage]]\nuse = "%s"\n' "$last"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s"\n' "$name-out.onnx"
  } > "$name.toml"
}

# thrice NAME CHANGE: made, found, and, with the setting CHANGE, the last stage made on what is found.
thrice ()
{
  rm -rf adze-runs "$1-out.onnx"
  must "$ADZE" run "$1.toml"
  cached false false
  mv "$1-out.onnx" one.onnx
  must "$ADZE" run "$1.toml"
  cached true true
  cmp "$1-out.onnx" one.onnx || complain "$1: what was found gives other bytes"
  must "$ADZE" run "$1.toml" --set "$2"
  cached true false
}

# right MODEL: evaluate has found what Python finds.
right ()
{
  local seen
  seen=$(python3 "$networks" accuracy "$1")
  awk "BEGIN { d = $seen - $(told evaluate.accuracy); exit !(d < 1e-9 && d > -1e-9) }" \
    || complain "$1: evaluate says $(told evaluate.accuracy), and Python $seen"
}

# ---- Behind a stage that clips.

behind train mlp.onnx train 'data = "train"' 'batch = 16' 'epochs = 2' 'rate = 0.02'
thrice train stage.train.epochs=3
cmp -s train-out.onnx one.onnx && complain "another epoch changes nothing"
[ "$(weight one.onnx fc1.weight)" != "$(weight mlp.onnx fc1.weight)" ] || complain "nothing was learnt"

behind fold norm.onnx fold 'require = "batch-norm == 1"'
thrice fold stage.fold.constants=false
grep -q BatchNormalization fold-out.onnx && complain "there is still a batch normalisation"

behind evaluate mlp.onnx evaluate 'data = "test"' 'batch = 32' 'require = "accuracy >= 0"'
thrice evaluate stage.evaluate.batch=16
right evaluate-out.onnx

# A last stage that fails leaves what came before it.
rm -rf adze-runs
must_fail "training diverged" "$ADZE" run train.toml --set stage.train.rate=1e38
must "$ADZE" run train.toml
cached true false

# ---- Behind a stage that takes all of it, and gives tensors alone.

{
  head_ mlp.onnx
  printf '[data.words]\nuse = "csv"\npath = "words.csv"\n'
  printf '[[stage]]\nuse = "pupil-learn"\nid = "learn"\ndata = "words"\n'
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "learn-out.onnx"\n'
} > learn.toml
printf 'a,b\n0.5,1\n0.25,2\n' > words.csv
thrice learn stage.evaluate.batch=16
right learn-out.onnx
ls adze-runs/results/*.part.* > /dev/null 2>&1 && complain "a network that was not given was kept"

# ---- Tensors alone are no network.

must "$ADZE" convert mlp.onnx bare.safetensors --set drop-graph=true
sed "s/mlp.onnx/bare.safetensors/; s/evaluate-out.onnx/bare-out.safetensors/" evaluate.toml > bare.toml
must_fail "has tensors, and nothing that says how they are computed with" "$ADZE" run bare.toml

# ---- What a plan says of networks: as they come, and behind stages; shapes may be among the tensors.

# planned NAME [OPTION...]: what it says of the network.
planned ()
{
  must "$ADZE" plan "$1.toml" "${@:2}"
  grep 'network of' must.out || echo "nothing"
}
[ "$(planned fold)" = "    network of 4 nodes, computed by ref" ] \
  || complain "the plan should tell of 4 nodes: $(planned fold)"
behind behind-shaped shaped.onnx evaluate 'data = "test"'
sed '/use = "clip"/d; /percentile/d; 0,/\[\[stage\]\]/{/\[\[stage\]\]/d}' behind-shaped.toml > shaped.toml
for name in shaped behind-shaped; do
  [ "$(planned $name)" = "    network of 4 nodes, computed by ref" ] \
    || complain "$name: the plan says: $(planned $name)"
  # That a batch has no size yet is no reason to leave all of it to ref.
  case " $ADZE_MISSING_PLUGINS " in
    *onednn*) echo "not looked at: what onednn would compute; it is not there" ;;
    *)
      [ "$(planned $name --backend onednn)" = "    network of 4 nodes, computed by onednn" ] \
        || complain "$name: on onednn the plan says: $(planned $name --backend onednn)"
      ;;
  esac
done
must "$ADZE" run behind-shaped.toml
finish

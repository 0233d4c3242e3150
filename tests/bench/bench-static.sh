#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-static.sh: quantize-static on Fashion-MNIST: the MLP and the CNN of the other benches, trained here (EPOCHS of
# them, 6 and 4), with codes of 8 bits computed in integers by each backend and by onnxruntime-node, where that is; and
# with weights of 3 bits, rounded to the nearest, as AdaRound asks and as GPTQ does, on examples that no code was made of.
set -u
cd "$TMPDIR" || exit 1
data=${ADZE_FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
[ -e "$data" ] || { echo "needed is Debian's package dataset-fashion-mnist"; exit 0; }
samples=${SAMPLES:-1024} seed=${SEED:-1} nets=${NETS:-mlp cnn}
modules=${ADZE_NODE_MODULES:-$(npm root -g 2> /dev/null)}

run_ ()
{
  "$ADZE" run "$@" > run.out 2>&1 || { cat run.out; exit 1; }
}

# head_ NAME BACKEND: pictures to learn and to calibrate from, to tell errors of, and to judge by.
head_ ()
{
  printf 'adze = 1\nname = "%s"\nseed = %d\n[run]\nbackend = "%s"\n' "$1" "$seed" "$2"
  local set part
  for set in 'train 0.0,0.9167' 'held 0.9167,1.0'; do
    part=${set#* }
    printf '[data.%s]\nuse = "idx"\nimages = "%s/train-images-idx3-ubyte.gz"\nlabels = "%s/train-labels-idx1-ubyte.gz"\nshuffle = true\npart = [%s]\n' \
      "${set% *}" "$data" "$data" "$part"
  done
  printf '[data.test]\nuse = "idx"\nimages = "%s/t10k-images-idx3-ubyte.gz"\nlabels = "%s/t10k-labels-idx1-ubyte.gz"\n' "$data" "$data"
}

# learnt NAME EPOCHS INPUT LAYERS
learnt ()
{
  {
    head_ "$1" onednn
    printf '[[stage]]\nuse = "build-model"\ninput = "%s"\nlayers = [%s]\n' "$3" "$4"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = %d\nbatch = 64\noptimiser = "adam"\nrate = 0.001\n' "$2"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "%s.onnx"\n' "$1"
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$1"
  } > "$1.toml"
  run_ "$1.toml"
}

# coded USE NAME OUT BACKEND LINE...: OUT.onnx, OUT.json as evaluate judges it, and OUT-codes.json.
coded ()
{
  local use=$1
  shift
  {
    head_ "$2" "$3"
    printf '[model]\npath = "%s.onnx"\n[[stage]]\nuse = "%s"\ninputs = { data = "data.train", held-out = "data.held" }\nsamples = %d\n' "$1" "$use" "$samples"
    printf '%s\n' "${@:4}"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "%s.onnx"\n' "$2"
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$2"
    printf '[[output]]\npath = "%s-codes.json"\nfrom = "%s.report"\n' "$2" "$use"
  } > "$2.toml"
  run_ "$2.toml"
}

of () { python3 -c 'import json, sys; print("%.4f" % json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# eight NAME: codes of 8 bits.
eight ()
{
  local backend floats
  floats=$(of "$1.json" accuracy)
  for backend in onednn ref; do
    coded quantize-static "$1" "$1-$backend" $backend
    echo "$1 int8, $backend: accuracy $(of "$1-$backend.json" integer-accuracy) in integers, $(of "$1-$backend.json" accuracy) with floats between codes, $floats in float32; needed within .002"
  done
  cmp "$1-onednn-codes.json" "$1-ref-codes.json" > same.out || echo "$1 int8: ranges of the two backends differ in their last digits"
  [ -d "$modules/onnxruntime-node" ] || { echo "$1 int8: there is no onnxruntime-node to compare with"; return; }
  coded quantize-static "$1" "$1-integers" onednn 'form = "integers"'
  NODE_PATH=$modules node "$TOP_SRCDIR/tests/clients/ort-accuracy.js" "$data/t10k-images-idx3-ubyte.gz" \
    "$data/t10k-labels-idx1-ubyte.gz" "$1-onednn.onnx" "$1-integers.onnx" |
    while read -r file share same; do echo "$1 int8, onnxruntime-node, $file: accuracy $share, $same like the first file"; done
}

# three NAME RANGE: weights of 3 bits.
three ()
{
  coded quantize-static "$1" "$1-nearest" onednn 'activations = "float"' 'weight-bits = 3' "weight-range = \"$2\""
  coded quantize-static "$1" "$1-adaround" onednn 'activations = "float"' 'weight-bits = 3' "weight-range = \"$2\"" 'rounding = "adaround"'
  coded quantize-gptq "$1" "$1-gptq" onednn 'weight-bits = 3' "weight-range = \"$2\""
  python3 - "$1" "$2" << 'END'
import json, sys
name, scales = sys.argv[1:]
load = lambda suffix: json.load(open(name + suffix + ".json"))
floats, nearest = load("")["accuracy"], load("-nearest")["accuracy"]
lost = floats - nearest
for way in "adaround", "gptq":
    for layer in load(f"-{way}-codes")["layers"]:
        print("%s 3 bits, scales by %s, %s: output error on held-out data %.5f by %s, %.5f to the nearest: %s"
              % (name, scales, layer["layer"], layer["error"], way, layer["error-nearest"],
                 "lower" if layer["error"] < layer["error-nearest"] else "NOT LOWER"))
    rounded = load(f"-{way}")["accuracy"]
    share = (rounded - nearest) / lost if lost > 0 else 1
    print("%s 3 bits, scales by %s: accuracy %.4f in float32, %.4f to the nearest, %.4f by %s: %.0f %% of the loss is recovered, needed half: %s"
          % (name, scales, floats, nearest, rounded, way, 100 * share, "reached" if share >= .5 else "NOT REACHED"))
END
}

for net in $nets; do
  case $net in
    mlp) learnt mlp "${EPOCHS:-6}" 784 '"dense 256 relu", "dense 128 relu", "dense 10"' ;;
    cnn) learnt cnn "${EPOCHS:-4}" 1x28x28 '"conv 32 3x3 pad 1 relu", "pool 2", "conv 64 3x3 pad 1 relu", "pool 2", "flatten", "dense 128 relu", "dense 10"' ;;
  esac
  eight "$net"
  three "$net" max
  three "$net" mse
done

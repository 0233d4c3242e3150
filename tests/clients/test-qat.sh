#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks of qat in onnxruntime: both forms are opened, and tell as many pictures right as here, in integers; with few levels
# and with many, and with what was pruned and clustered before.
. "$TOP_SRCDIR/tests/clients/lib.sh"
need_module onnxruntime-node
export NODE_PATH=$modules
data=/usr/share/datasets/fashion-mnist
[ -e $data ] || skip_ "needed is Debian's package dataset-fashion-mnist"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backend=onednn
case " $ADZE_MISSING_PLUGINS " in *" onednn "*) backend=ref ;; esac

# head_ NAME: the top of a pipeline, with the data sets train and test.
head_ ()
{
  printf 'adze = 1\nname = "%s"\nseed = 1\n[run]\nbackend = "%s"\n' "$1" $backend
  printf '[data.train]\nuse = "idx"\nimages = "%s/train-images-idx3-ubyte.gz"\nlabels = "%s/train-labels-idx1-ubyte.gz"\nshuffle = true\npart = [0.0, 0.1]\n' $data $data
  printf '[data.test]\nuse = "idx"\nimages = "%s/t10k-images-idx3-ubyte.gz"\nlabels = "%s/t10k-labels-idx1-ubyte.gz"\nlimit = 2000\n' $data $data
}

# learnt NAME INPUT LAYERS [LINE...]: NAME.onnx.
learnt ()
{
  {
    head_ "$1"
    printf '[[stage]]\nuse = "build-model"\ninput = "%s"\nlayers = [%s]\n' "$2" "$3"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = 2\nbatch = 64\nrate = 0.002\n'
    printf '%s\n' "${@:4}"
    printf '[[output]]\npath = "%s.onnx"\n' "$1"
  } > "$1.toml"
  expect 0 "$ADZE" run --fresh "$1.toml"
}

# coded NAME FORM [LINE...]: NAME-FORM.onnx, and how many it tells right here.
coded ()
{
  {
    head_ "$1-$2"
    printf '[model]\npath = "%s.onnx"\n[[stage]]\nuse = "qat"\ndata = "train"\nepochs = 1\nactivations = "int8"\nform = "%s"\n' "$1" "$2"
    printf '%s\n' "${@:3}"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nlatency-runs = 0\n'
    [ "$2" = integer ] || printf 'arithmetic = "integers"\n'
    printf '[[output]]\npath = "%s-%s.onnx"\n[[output]]\npath = "%s-%s.json"\nfrom = "evaluate.report"\n' "$1" "$2" "$1" "$2"
  } > "$1-$2.toml"
  expect 0 "$ADZE" run --fresh "$1-$2.toml"
}

# agreed NAME LINE...: both forms, here and there.
agreed ()
{
  local net=$1 form ours theirs
  for form in qdq integer; do
    coded "$net" $form "${@:2}"
  done
  expect 0 node "$here/ort-accuracy.js" images-idx3 labels-idx1 "$net-qdq.onnx" "$net-integer.onnx"
  cat out
  for form in qdq integer; do
    ours=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["accuracy"])' "$net-$form.json")
    theirs=$(awk -v file="$net-$form.onnx" '$1 == file { print $2 }' out)
    # Two pictures of two thousand: a score may lie between two codes.
    awk -v a="$ours" -v b="$theirs" 'BEGIN { d = a - b; exit !(a > 0.6 && d < 0.0011 && d > -0.0011) }' \
      || fail "$net, $form, ${*:2}: $ours here, and $theirs in onnxruntime"
  done
}

python3 - $data << 'END' || fail "no pictures"
import gzip, struct, sys
for kind, head, each in ("images-idx3", 16, 784), ("labels-idx1", 8, 1):
    with gzip.open(f"{sys.argv[1]}/t10k-{kind}-ubyte.gz") as file:
        bytes_ = file.read(head + 2000 * each)
    with open(kind, "wb") as file:
        file.write(bytes_[:4] + struct.pack(">I", 2000) + bytes_[8:])
END

few='[[stage]]
use = "prune-magnitude"
sparsity = 0.5
[[stage.rule]]
match = "*.bias"
skip = true
[[stage]]
use = "cluster"
k = 16
[[stage.rule]]
match = "*.bias"
skip = true'
learnt mlp 784 '"dense 64 relu", "dense 32 relu", "dense 10"'
learnt mlp-few 784 '"dense 64 relu", "dense 32 relu", "dense 10"' "$few"
learnt cnn 1x28x28 '"conv 8 3x3 pad 1", "norm batch relu", "pool 2", "conv 8 3x3 pad 1 groups 2 no-bias relu", "pool 2", "flatten", "dense 10"'
for levels in int4 binary; do
  agreed mlp "weights = \"$levels\""
done
for levels in int8 int2 ternary; do
  agreed cnn "weights = \"$levels\""
done
agreed mlp 'per = "tensor"' 'delay = 0.3' 'observe = 0.6'
agreed mlp-few 'keep-zeros = ["*.weight"]' 'keep-values = ["*.weight"]'
done_

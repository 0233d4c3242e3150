#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# accuracy.sh: do networks learn as well as with python3-torch? Fashion-MNIST, the same networks, weights
# that begin alike, Adam, batches of 64 in an order that is shuffled for every epoch, the same number of
# epochs. SEEDS (10) times each, ours and theirs in turn; what is said in the end is in accuracy.py.
#
# NETWORKS (mlp cnn), MLP_EPOCHS (5), CNN_EPOCHS (3), BACKEND (onednn) and THREADS (1) can be given.
set -u
seeds=${SEEDS:-10} threads=${THREADS:-1}
folder=/usr/share/datasets/fashion-mnist
peer=$TOP_SRCDIR/tests/bench/accuracy.py
python=/usr/bin/python3
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
$python -c 'import torch' 2> /dev/null || { echo "python3-torch is not there: nothing to compare with"; exit 0; }
[ -e $folder/train-images-idx3-ubyte.gz ] || { echo "needed is Debian's package dataset-fashion-mnist"; exit 77; }
cd "$TMPDIR" || exit 1

# ours NAME SEED EPOCHS
ours ()
{
  local input=784 layers='"dense 256 relu", "dense 128 relu", "dense 10"' set part
  if [ "$1" = cnn ]; then
    input=1x28x28
    layers='"conv 32 3x3 pad 1 relu", "pool 2", "conv 64 3x3 pad 1 relu", "pool 2", "flatten",
  "dense 128 relu", "dense 10"'
  fi
  {
    printf 'adze = 1\nname = "accuracy"\nseed = %s\n[run]\nbackend = "%s"\nthreads = %s\n' \
      "$2" "${BACKEND:-onednn}" "$threads"
    for set in train test; do
      part=train
      [ $set = train ] || part=t10k
      printf '[data.%s]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\n' $set \
        $folder/$part-images-idx3-ubyte.gz $folder/$part-labels-idx1-ubyte.gz
      [ $set = test ] || echo 'shuffle = true'
    done
    printf '[[stage]]\nuse = "build-model"\ninput = "%s"\ninit = "fan-in-uniform"\nlayers = [%s]\n' \
      $input "$layers"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = %s\nbatch = 64\n' "$3"
    printf 'optimiser = "adam"\nrate = 0.001\n[[stage]]\nuse = "evaluate"\ndata = "test"\n'
    printf '[[output]]\npath = "ours.json"\nfrom = "evaluate.report"\n'
  } > ours.toml
  "$ADZE_BINARY" run ours.toml --fresh > ours.log 2>&1 || { cat ours.log >&2; return 1; }
  rm -rf adze-runs
  $python -c 'import json; print(json.load(open("ours.json"))["accuracy"])'
}

# theirs NAME SEED EPOCHS
theirs ()
{
  local blas=1 omp=$threads
  [ "$1" = cnn ] || { blas=$threads omp=1; }
  MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 \
    OPENBLAS_NUM_THREADS=$blas OMP_NUM_THREADS=$omp $python "$peer" train "$@" "$omp"
}

for name in ${NETWORKS:-mlp cnn}; do
  epochs=${MLP_EPOCHS:-5}
  [ "$name" = mlp ] || epochs=${CNN_EPOCHS:-3}
  : > pairs.txt
  for seed in $(seq "$seeds"); do
    a=$(ours "$name" "$seed" "$epochs") || exit 1
    b=$(theirs "$name" "$seed" "$epochs") || exit 1
    echo "$name, seed $seed, $epochs epochs: ours $a, torch $b"
    echo "$seed $a $b" >> pairs.txt
  done
  $python "$peer" judge "$name" pairs.txt || exit 1
done

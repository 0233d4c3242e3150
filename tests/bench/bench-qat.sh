#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-qat.sh: networks that learn with few values, beside python3-torch doing the same from the same weights. Fashion-MNIST; an
# MLP after 12 epochs and 3 more with rounded weights, a CNN after 6 and 1 more; and both trained as much longer as they are.
# Weights alone are rounded, a step for each channel, all layers; the peer's are what its FakeQuantize does with
# MovingAveragePerChannelMinMaxObserver. Printed for each seed: the start, the dense one, the start rounded as it is (our
# quantize, by least squares), ours, torch's, and images a second of processor time: of all of our process, and of torch's loop.
# Then the start pruned by half, trained (of the epochs, all but one), clustered to 16 values, and taught with 8 bits for
# one epoch, in one pipeline and in two. The end is a line for
# each thing that is to be reached, of the medians.
#
# NETWORKS (mlp cnn), WIDTHS (int8 int4 int3 int2), SEEDS (3), BACKEND (onednn), THREADS (1), PEER (yes), FEW (yes) and SCHEDULE
# (cosine, or constant: how the rate falls, of all that goes on: dense, ours and torch's) can be given; TEACHER (no; yes: ours listens
# to the start as well); RECIPE, further lines of our stage; and PEER_RECIPE, rate and decay of AdamW for torch. All train by Adam
# at .001, but for our mlp, which has learnt much by heart already: .0007 and some decay; and steps of our cnn's int4 follow what is
# seen of the weights for .9 of the epoch. What training starts from is kept in QAT_FOLDER, and made where it is not there.
set -u
seeds=${SEEDS:-3} teacher=${TEACHER:-no} schedule=${SCHEDULE:-cosine} threads=${THREADS:-1} here=$TOP_SRCDIR/tests/bench
data=/usr/share/datasets/fashion-mnist
kept=${QAT_FOLDER:-$TOP_BUILDDIR/tests/bench/qat-starts}
python=/usr/bin/python3
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
[ -e $data/train-images-idx3-ubyte.gz ] || { echo "needed is Debian's package dataset-fashion-mnist"; exit 77; }
$python -c 'import torch' 2> /dev/null || { echo "python3-torch is not there: nothing to compare with"; PEER=no; }
mkdir -p "$kept"
cd "$TMPDIR" || exit 1

# head_ SEED: the top of a pipeline.
head_ ()
{
  local set part
  printf 'adze = 1\nname = "bench-qat"\nseed = %s\n[run]\nbackend = "%s"\nthreads = %s\n' "$1" "${BACKEND:-onednn}" "$threads"
  for set in train test; do
    part=train
    [ $set = train ] || part=t10k
    printf '[data.%s]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\n' $set $data/$part-images-idx3-ubyte.gz \
      $data/$part-labels-idx1-ubyte.gz
    [ $set = test ] || echo 'shuffle = true'
  done
}

# judged OUTPUT: the pipeline on standard input, with an evaluation behind it; prints the accuracy. The model is written to
# OUTPUT, unless that is "none".
judged ()
{
  {
    cat
    printf '[[stage]]\nuse = "evaluate"\nid = "judged"\ndata = "test"\narithmetic = "floats"\n'
    printf '[[output]]\npath = "judged.json"\nfrom = "judged.report"\n'
    [ "$1" = none ] || printf '[[output]]\npath = "%s"\n' "$1"
  } > judged.toml
  "$ADZE_BINARY" run judged.toml --fresh > judged.log 2>&1 || { cat judged.log >&2; return 1; }
  $python -c 'import json; print(json.load(open("judged.json"))["accuracy"])'
}

# start NAME SEED: what both begin with.
start ()
{
  local input=784 layers='"dense 256 relu", "dense 128 relu", "dense 10"' epochs=12 file="$kept/$1-$2"
  if [ "$1" = cnn ]; then
    input=1x28x28 epochs=6
    layers='"conv 32 3x3 pad 1 relu", "pool 2", "conv 64 3x3 pad 1 relu", "pool 2", "flatten", "dense 128 relu", "dense 10"'
  fi
  [ ! -e "$file.safetensors" ] || return 0
  {
    head_ "$2"
    printf '[[stage]]\nuse = "build-model"\ninput = "%s"\ninit = "fan-in-uniform"\nlayers = [%s]\n' $input "$layers"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = %s\n' $epochs
  } | judged "$file.onnx" > "$file.accuracy" || return 1
  "$ADZE_BINARY" convert "$file.onnx" "$file.safetensors" --set drop-graph=true > /dev/null
}

# begin NAME SEED [FILE]: the top of a pipeline that begins with the start, or with another file, and has the start beside it.
begin ()
{
  head_ "$2"
  printf '[model]\npath = "%s"\n' "${3:-$kept/$1-$2.onnx}"
  [ "$teacher" = no ] || printf '[input.start]\nkind = "model"\npath = "%s"\n' "$kept/$1-$2.onnx"
}

# stage USE EPOCHS FROM [LINE...]: a stage that learns; of ours, with all that belongs to it.
stage ()
{
  printf '[[stage]]\nuse = "%s"\ndata = "train"\nepochs = %s\nschedule = "%s"\n' "$1" "$2" "$schedule"
  printf '%s\n' "${@:4}"
  if [ "$1" = qat ] && [ "$teacher" = yes ]; then
    printf 'inputs = { model = "%s", teacher = "input.start" }\n%s\n' "$3" "$recipe"
  elif [ "$1" = qat ]; then
    printf '%s\n' "$recipe"
  else
    printf 'inputs = { model = "%s" }\n' "$3"
  fi
}

# more NAME SEED USE EPOCHS [LINE...]: it goes on from there. What that takes is in more.times, and judging it is not.
more ()
{
  local seed=$2 TIMEFORMAT='%U %S'
  {
    begin "$1" "$seed"
    stage "$3" "$4" input.model "${@:5}"
    printf '[[output]]\npath = "learnt.onnx"\n'
  } > more.toml
  { time "$ADZE_BINARY" run more.toml --fresh > more.log 2>&1; } 2> more.times || { cat more.log >&2; return 1; }
  {
    head_ "$seed"
    printf '[model]\npath = "%s/learnt.onnx"\n' "$PWD"
  } | judged none
}

# speed EPOCHS: images that were learnt from in a second of processor time of the last run, all of which is counted.
speed ()
{
  awk -v n=$(($1 * 60000)) '{ printf "%.0f\n", n / ($1 + $2) }' more.times
}

# static NAME SEED WIDTH
static ()
{
  case $3 in int8 | int4 | int2) ;; *) echo -; return ;; esac
  {
    head_ "$2"
    printf '[model]\npath = "%s"\n' "$kept/$1-$2.onnx"
    printf '[[stage]]\nuse = "quantize"\ncodec = { use = "%s", per = "channel", axis = 1, range = "mse" }\n' "$3"
    printf '[[stage.rule]]\nmatch = "*.bias"\nskip = true\n'
    [ "$1" = mlp ] || printf '[[stage.rule]]\nmatch = "layer.[01].weight"\ncodec = { use = "%s", per = "channel", range = "mse" }\n' "$3"
  } | judged none
}

# theirs NAME SEED WIDTH EPOCHS: accuracy, and images a second of processor time.
theirs ()
{
  [ "${PEER:-yes}" = yes ] || { echo "- -"; return; }
  local like
  read -r -a like <<< "${PEER_RECIPE-}"
  MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 \
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $python "$here/qat.py" "$kept/$1-$2.safetensors" "$1" "$2" "${3#int}" "$4" "$schedule" \
    "${like[@]}"
}

# few_values EPOCHS: stages that prune, train what is left for all epochs but one, where there are several, and cluster.
few_values ()
{
  local last=prune-magnitude
  printf '[[stage]]\nuse = "prune-magnitude"\ninputs = { model = "input.model" }\nsparsity = 0.5\n'
  printf '[[stage.rule]]\nmatch = "*.bias"\nskip = true\n'
  if [ "$1" -gt 1 ]; then
    stage train $(($1 - 1)) $last.model 'keep-zeros = ["*.weight"]'
    last=train
  fi
  printf '[[stage]]\nuse = "cluster"\ninputs = { model = "%s.model" }\nk = 16\n' $last
  printf '[[stage.rule]]\nmatch = "*.bias"\nskip = true\n'
}

# piped LINES: a run with them and an output, few.onnx.
piped ()
{
  {
    cat
    printf '[[output]]\npath = "few.onnx"\n'
  } > few.toml
  "$ADZE_BINARY" run few.toml --fresh > few.log 2>&1 || { cat few.log >&2; return 1; }
}

# few NAME SEED EPOCHS once|twice: in one pipeline, or in two, of which the second knows nothing but the file. Prints the
# accuracy, the share of zeros in the file, and how many values the weight has that has most; the host has looked, too.
few ()
{
  local accuracy trait keeps=('weights = "int8"' 'keep-zeros = ["*.weight"]' 'keep-values = ["*.weight"]')
  if [ "$4" = once ]; then
    { begin "$1" "$2"; few_values "$3"; stage qat 1 cluster.model "${keeps[@]}"; } | piped || return 1
  else
    { begin "$1" "$2"; few_values "$3"; } | piped || return 1
    mv few.onnx half-way.onnx
    { begin "$1" "$2" "$PWD/half-way.onnx"; stage qat 1 input.model "${keeps[@]}"; } | piped || return 1
  fi
  for trait in sparsity codebook; do
    grep -q adze.$trait/1 few.onnx || { echo "few.onnx does not say that it has adze.$trait/1" >&2; return 1; }
  done
  accuracy=$({ head_ "$2"; printf '[model]\npath = "%s/few.onnx"\n' "$PWD"; } | judged none) || return 1
  echo "$accuracy $($python "$here/qat-floors.py" codes few.onnx)"
}

rows=$PWD/rows
: > "$rows"
for name in ${NETWORKS:-mlp cnn}; do
  epochs=3 recipe=${RECIPE-$'optimiser = "adamw"\ndecay = 0.1\nrate = 0.0007'}
  [ "$name" = mlp ] || epochs=1 recipe=${RECIPE:-}
  for seed in $(seq "$seeds"); do
    start "$name" "$seed" || exit 1
    dense=$(more "$name" "$seed" train $epochs) || exit 1
    echo "$name, seed $seed: start $(cat "$kept/$name-$seed.accuracy"), dense and $epochs epochs more $dense"
    for width in ${WIDTHS:-int8 int4 int3 int2}; do
      rounded=$(static "$name" "$seed" "$width") || exit 1
      lines=("weights = \"$width\"")
      [ "$name-$width-${RECIPE+given}" != cnn-int4- ] || lines+=('observe = 0.9')
      ours=$(more "$name" "$seed" qat $epochs "${lines[@]}") || exit 1
      fast=$(speed $epochs)
      peer=$(theirs "$name" "$seed" "$width" $epochs) || exit 1
      echo "$name, seed $seed, $width: static $rounded, ours $ours, torch ${peer% *}; images/s $fast and ${peer#* }"
      echo "$name $seed $width $dense $rounded $ours ${peer% *} $fast ${peer#* }" >> "$rows"
    done
    for form in once twice; do
      [ "${FEW:-yes}" = yes ] || continue
      kept_values=$(few "$name" "$seed" $epochs $form) || exit 1
      read -r accuracy zeros values <<< "$kept_values"
      echo "$name, seed $seed, pruned, clustered and int8, $form: $accuracy, zeros $zeros, values $values"
      echo "$name $seed $form $dense $kept_values" >> "$rows"
    done
  done
done
$python "$here/qat-floors.py" floors "$rows"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-distill.sh: what a teacher is good for, on Fashion-MNIST. The teacher is a convolutional network that was trained
# on the labels of 55,000 pictures; the student (784-256-128-10)
#   labels   learns from the labels of 2,000 of them alone, as many steps as the next
#   taught   learns from these labels, and from what the teacher says of the 55,000
#   all      learns from the 55,000 labels, without a teacher
#   both     learns from the 55,000 labels and the teacher
# of which the first two and the last two are pairs: same weights to begin with, same data, same steps. The epoch is chosen
# with the 5,000 pictures that are left; the 10,000 for testing are looked at once, in the end. Printed are the accuracies on
# these for each of SEEDS (1 2 3), and the mean of the gains, with what is needed (0.020 for the first pair).
set -u
seeds=${SEEDS:-1 2 3} epochs=${EPOCHS:-10} teacher_epochs=${TEACHER_EPOCHS:-6} backend=${BACKEND:-onednn}
folder=${FASHION:-/usr/share/datasets/fashion-mnist}
cd "$TMPDIR" || exit 1

# data NAME KIND LINE...
data ()
{
  local name=$1 kind=$2
  shift 2
  printf '[data.%s]\nuse = "idx"\nimages = "%s/%s-images-idx3-ubyte.gz"\nlabels = "%s/%s-labels-idx1-ubyte.gz"\n' \
    "$name" "$folder" "$kind" "$folder" "$kind"
  printf '%s\n' "$@"
}

# head_ SEED: 55,000 of the 60,000 pictures, 2,000 of these, and the 5,000 that are left.
head_ ()
{
  printf 'adze = 1\nname = "distill"\nseed = %s\n[run]\nbackend = "%s"\n' "$1" "$backend"
  data train train 'part = [0.0, 0.9166666666666666]' 'shuffle = true'
  data few train 'part = [0.0, 0.9166666666666666]' 'limit = 2000' 'shuffle = true'
  data check train 'part = [0.9166666666666666, 1.0]'
  data test t10k
}

student ()
{
  printf '[[stage]]\nuse = "build-model"\ninput = "784"\nlayers = ["dense 256 relu", "dense 128 relu", "dense 10"]\n'
}

# pair SEED NAME LINE...: the student with the teacher, and its baseline.
pair ()
{
  local seed=$1 name=$2
  shift 2
  {
    head_ "$seed"
    printf '[input.teacher]\nkind = "model"\npath = "teacher-%s.onnx"\n' "$seed"
    student
    printf '[[stage]]\nuse = "distill"\ninputs = { teacher = "input.teacher" }\ndata = "train"\nvalidation = "check"\n'
    printf 'watch = "accuracy"\nbatch = 64\nepochs = %s\n' "$epochs"
    printf '%s\n' "$@"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "%s.onnx"\n' "$name"
    printf '[[output]]\npath = "%s.json"\nfrom = "distill.report"\n' "$name"
  } > "$name.toml"
}

# plain SEED NAME DATA EPOCHS: the student alone.
plain ()
{
  {
    head_ "$1"
    student
    printf '[[stage]]\nuse = "train"\ndata = "%s"\nvalidation = "check"\nwatch = "accuracy"\nbatch = 64\nepochs = %s\n' "$3" "$4"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "%s.onnx"\n' "$2"
  } > "$2.toml"
}

# accuracy NAME: of a run of NAME.toml.
accuracy ()
{
  "$ADZE" run "$1.toml" > run.log 2>&1 || { echo "failed: $1" >&2; cat run.log >&2; exit 1; }
  "$ADZE" runs show | sed -n 's/^  evaluate.accuracy  *//p'
}

# As many steps for 2,000 examples, 32 batches, as there are for 55,000, 860.
few_epochs=$(((epochs * 860 + 16) / 32))
echo "teacher $teacher_epochs epochs, student $epochs ($few_epochs of 2,000 pictures), batch 64, Adam .001, T 4, $backend"
echo "seed teacher labels taught all both"
: > rows
for seed in $seeds; do
  {
    head_ "$seed"
    printf '[[stage]]\nuse = "build-model"\ninput = "1x28x28"\nlayers = ["conv 32 3x3 pad 1 relu", "pool 2", '
    printf '"conv 64 3x3 pad 1 relu", "pool 2", "flatten", "dense 128 relu", "dense 10"]\n'
    printf '[[stage]]\nuse = "train"\ndata = "train"\nvalidation = "check"\nwatch = "accuracy"\nbatch = 64\nepochs = %s\n' \
      "$teacher_epochs"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n[[output]]\npath = "teacher-%s.onnx"\n' "$seed"
  } > "teacher-$seed.toml"
  plain "$seed" labels few "$few_epochs"
  pair "$seed" taught 'labelled = "few"' 'hard = 0.1' 'soft = 0.9'
  plain "$seed" all train "$epochs"
  pair "$seed" both 'hard = 0.3' 'soft = 0.7' 'baseline = true'
  row="$seed $(accuracy "teacher-$seed")" || exit 1
  for name in labels taught all both; do
    row="$row $(accuracy $name)" || exit 1
  done
  echo "$row"
  echo "$row" >> rows
  tr -d '\n' < both.json | sed 's/.*"gain": {/  with all labels, the report of both: {/'
  echo
done
awk '{ few += $4 - $3; all += $6 - $5 }
  END { printf "gain with 2,000 labels: %.4f, needed .020; with all labels: %.4f\n", few / NR, all / NR }' rows

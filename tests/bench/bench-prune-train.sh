#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-prune-train.sh: Fashion-MNIST, an MLP and a CNN: how good they are with a tenth or a twentieth of their weights,
# with 2 of each 4, or with half of their channels, when these are taken away while the network learns (prune-train),
# all at once with the same fine-tuning (prune-magnitude or prune-structured, and train), or not at all with the same
# training (dense).
#
# The MLP begins after 12 epochs and has 3 more, the CNN after 6 and has 1 more, all with Adam in batches of 64 and a rate
# that falls along a cosine, on all 60,000 images; the test images are read once, at the end. The rate begins at .001 for
# the dense one, and higher, the same for both, for those that have lost weights: what is left has farther to go. Cuts by
# the criterion taylor, each by 128 batches, are done within the first three tenths; a tenth of the CNN is left by one cut
# in front, by 512 batches, and 2 of each 4 by one in front by the criterion wanda. Printed for each seed: the start,
# dense, at once, prune-train; in the end of each row the means, medians and ranges, and each floor, for which the means
# count.
#
# ROWS ("mlp-90 mlp-95 cnn-90 cnn-95 cnn-24 cnn-channels"), SEEDS ("1 2 3"), BACKEND (onednn), THREADS (1) and RATE can be
# given; EXTRA has more lines for the stage prune-train, separated by \n. What all begin with, and how good they are
# without prune-train, is kept in PRUNE_FOLDER, and made where it is not there.
set -u
rows=${ROWS:-mlp-90 mlp-95 cnn-90 cnn-95 cnn-24 cnn-channels} seeds=${SEEDS:-1 2 3} threads=${THREADS:-1}
data=/usr/share/datasets/fashion-mnist
kept=${PRUNE_FOLDER:-$TOP_BUILDDIR/tests/bench/prune-starts}
binary=${ADZE_BINARY:-$ADZE}
[ -e $data/train-images-idx3-ubyte.gz ] || { echo "needed is Debian's package dataset-fashion-mnist"; exit 77; }
mkdir -p "$kept"
cd "$TMPDIR" || exit 1

# head_ SEED: the top of a pipeline.
head_ ()
{
  local set part
  printf 'adze = 1\nname = "bench-prune-train"\nseed = %s\n[run]\nbackend = "%s"\nthreads = %s\n' "$1" \
    "${BACKEND:-onednn}" "$threads"
  for set in train test; do
    part=train
    [ $set = train ] || part=t10k
    printf '[data.%s]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\n' $set $data/$part-images-idx3-ubyte.gz \
      $data/$part-labels-idx1-ubyte.gz
    [ $set = test ] || echo 'shuffle = true'
  done
}

# judged OUTPUT: the pipeline on standard input, with an evaluation behind it; prints the accuracy. The model is OUTPUT.
judged ()
{
  {
    cat
    printf '[[stage]]\nuse = "evaluate"\nid = "judged"\ndata = "test"\n'
    printf '[[output]]\npath = "judged.json"\nfrom = "judged.report"\n[[output]]\npath = "%s"\n' "$1"
  } > judged.toml
  "$binary" run judged.toml --fresh > judged.log 2>&1 || { cat judged.log >&2; return 1; }
  python3 -c 'import json; print(json.load(open("judged.json"))["accuracy"])'
}

# start NET SEED: what all begin with.
start ()
{
  local input=784 layers='"dense 256 relu", "dense 128 relu", "dense 10"' epochs=12 file="$kept/$1-$2"
  if [ "$1" = cnn ]; then
    input=1x28x28 epochs=6
    layers='"conv 32 3x3 pad 1 relu", "pool 2", "conv 64 3x3 pad 1 relu", "pool 2", "flatten", "dense 128 relu", "dense 10"'
  fi
  [ ! -e "$file.accuracy" ] || return 0
  {
    head_ "$2"
    printf '[[stage]]\nuse = "build-model"\ninput = "%s"\ninit = "fan-in-uniform"\nlayers = [%s]\n' $input "$layers"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = %s\n' $epochs
  } | judged "$file.onnx" > start.accuracy && mv start.accuracy "$file.accuracy"
}

# more NET SEED OUTPUT STAGES: it goes on from there.
more ()
{
  {
    head_ "$2"
    printf '[model]\npath = "%s/%s-%s.onnx"\n' "$kept" "$1" "$2"
    printf '%b' "$4"
  } | judged "$3"
}

# known NET SEED WORD STAGES: the same; a second time it is looked up.
known ()
{
  local file=$kept/$1-$2-$3.accuracy
  [ -e "$file" ] || { more "$1" "$2" known.onnx "$4" > known.accuracy && mv known.accuracy "$file"; }
  cat "$file"
}

# latency FILE BATCH: seconds, the median of many, on one thread.
latency ()
{
  {
    head_ 1
    printf '[model]\npath = "%s"\n[[stage]]\nuse = "evaluate"\ndata = "test"\nlatency-runs = 2000\nlatency-batch = %s\n' "$1" "$2"
    printf 'resamples = 0\n'
  } > latency.toml
  "$binary" run latency.toml --fresh > latency.log 2>&1 || { cat latency.log >&2; return 1; }
  "$binary" runs show | sed -n 's/^  evaluate.latency-p50  *//p'
}

# median COLUMN: and the range, of values.txt.
median ()
{
  sort -n -k"$1,$1" values.txt | awk -v c="$1" '{ v[NR] = $c }
    END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.4f (%.4f to %.4f)\n", m, v[1], v[NR] }'
}

# mean COLUMN: of values.txt.
mean ()
{
  awk -v c="$1" '{ sum += $c } END { printf "%.5f\n", sum / NR }' values.txt
}

# floor WHAT FIGURE NEEDED: at least so much.
floor ()
{
  awk -v what="$1" -v figure="${2%% *}" -v needed="$3" 'BEGIN {
    printf "  %s: %s, needed %s: %s\n", what, figure, needed, (figure + 0 > needed - 1e-9 ? "reached" : "NOT REACHED") }'
}

# row NET SHARE: all seeds.
row ()
{
  local net=$1 share=$2 epochs=3 rate=${RATE:-0.0025} seed dense once ours
  [ "$net" = mlp ] || epochs=1 rate=${RATE:-0.002}
  local learn="data = \"train\"\nepochs = $epochs\nschedule = \"cosine\"\n"
  local again cuts="criterion = \"taylor\"\nscore-batches = 128\nend = 0.3\n"
  if [ "$net-$share" = cnn-90 ]; then
    rate=${RATE:-0.003} cuts="criterion = \"taylor\"\nscore-batches = 512\ngrowth = \"once\"\n"
  fi
  again="${learn}rate = $rate\n"
  local use=prune-train what="sparsity = 0.$share\n" at_once="prune-magnitude\"\nsparsity = 0.$share\n"
  case $share in
    24) cuts='criterion = "wanda"\nscore-batches = 128\ngrowth = "once"\n'
        what='pattern = "2:4"\n' at_once='prune-magnitude"\npattern = "2:4"\n' ;;
    channels) use=prune-train-channels what='sparsity = 0.5\nscope = "global"\nmultiple = 16\n' at_once='prune-structured"\nsparsity = 0.5\n' ;;
  esac
  local tune="[[stage]]\nuse = \"train\"\n$again"
  [ "$share" = channels ] || tune="${tune}keep-zeros = [\"*\"]\n"
  : > values.txt
  for seed in $seeds; do
    start "$net" "$seed" || return 1
    dense=$(known "$net" "$seed" dense "[[stage]]\nuse = \"train\"\n$learn") || return 1
    once=$(known "$net" "$seed" "once-$share-$rate" "[[stage]]\nuse = \"$at_once$tune") || return 1
    ours=$(more "$net" "$seed" "$net-$share.onnx" "[[stage]]\nuse = \"$use\"\n$what$again$cuts${EXTRA-}") || return 1
    echo "$net-$share, seed $seed: start $(cat "$kept/$net-$seed.accuracy"), and with $epochs epochs more:" \
      "dense $dense, at once $once, prune-train $ours"
    awk -v d="$dense" -v o="$once" -v p="$ours" 'BEGIN { print d, o, p, p - d, p - o }' >> values.txt
  done
  echo "$net-$share: dense $(median 1), at once $(median 2), prune-train $(median 3);" \
    "to dense $(median 4), to at once $(median 5); means: dense $(mean 1), at once $(mean 2), prune-train $(mean 3)," \
    "to dense $(mean 4), to at once $(mean 5)"
  case $net-$share in
    mlp-90) floor accuracy "$(mean 3)" .886 ;;
    mlp-95) floor accuracy "$(mean 3)" .873 ;;
    cnn-90) floor "to dense" "$(mean 4)" -.004 ;;
    cnn-95) floor accuracy "$(mean 3)" .913 ;;
    cnn-24) floor "to dense" "$(mean 4)" -.006 ;;
    *-channels) floor "to dense" "$(mean 4)" -.010 ;;
  esac
  floor "above at once" "$(mean 5)" .0001
}

# smaller NET: how much smaller and faster it is without half of its channels.
smaller ()
{
  local batch seed=${seeds%% *}
  local before=$kept/$1-$seed.onnx after=$PWD/$1-channels.onnx
  floor "file, times smaller" "$(stat -c %s "$before" "$after" | awk 'NR == 1 { a = $1 } END { printf "%.2f", a / $1 }')" 2.5
  for batch in 1 64; do
    floor "latency of $batch, times better" \
      "$(echo "$(latency "$before" $batch) $(latency "$after" $batch)" | awk '{ printf "%.2f", $1 / $2 }')" 1.5
  done
}

for name in $rows; do
  row "${name%-*}" "${name#*-}" || exit 1
  [ "${name#*-}" != channels ] || smaller "${name%-*}" || exit 1
done

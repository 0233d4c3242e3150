#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-process.sh: whole processes, from their start to their end, beside python3-torch: Fashion-MNIST is
# read, a network is trained for some epochs and evaluated. And what is left of the rate of training
# when another process keeps one processor busy.
#
# Each pair is run one after the other, PAIRS times (9), the order changing; printed are the median of
# the ratios and their range. The peer is at its best: its script does nothing else, its allocator keeps
# what it has, and of the kernels that its OpenBLAS has for one family of processors or another the
# fastest are taken (CORETYPES, tried once each; "-" is what it finds by itself).
set -u
pairs=${PAIRS:-9} backend=${BACKEND:-onednn} coretypes=${CORETYPES:-- SkylakeX Cooperlake Zen Haswell}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
data=/usr/share/datasets/fashion-mnist
[ -d $data ] || { echo "dataset-fashion-mnist is not there: nothing to train on"; exit 0; }
/usr/bin/python3 -c 'import torch' 2> /dev/null || {
  echo "python3-torch is not there: nothing to compare with"
  exit 0
}
adze=${ADZE_BINARY:-$ADZE} peer=$TOP_BUILDDIR/tests/bench/network-peer
[ ! -x "$TOP_BUILDDIR/tests/bench/.libs/network-peer" ] || peer=$TOP_BUILDDIR/tests/bench/.libs/network-peer
cd "$TMPDIR" || exit 1

# pipeline NET BATCH OPTIMISER EPOCHS THREADS
pipeline ()
{
  local input='784' layers='"dense 256 relu", "dense 128 relu", "dense 10"' rate=0.001
  [ "$1" = mlp ] || input='1x28x28' layers='"conv 32 3x3 pad 1 relu", "pool 2", "conv 64 3x3 pad 1 relu", "pool 2",
    "flatten", "dense 128 relu", "dense 10"'
  [ "$3" = adam ] || rate=0.1
  cat << END
adze = 1
name = "process"
[run]
backend = "$backend"
threads = $5
[data.train]
use = "idx"
images = "$data/train-images-idx3-ubyte.gz"
labels = "$data/train-labels-idx1-ubyte.gz"
shuffle = true
[data.test]
use = "idx"
images = "$data/t10k-images-idx3-ubyte.gz"
labels = "$data/t10k-labels-idx1-ubyte.gz"
[[stage]]
use = "build-model"
input = "$input"
layers = [$layers]
[[stage]]
use = "train"
data = "train"
epochs = $4
batch = $2
optimiser = "$3"
rate = $rate
[[stage]]
use = "evaluate"
data = "test"
END
}

# Both print "SECONDS ACCURACY PEAK": the peak of resident memory in kB.

# ours NET BATCH OPTIMISER EPOCHS THREADS
ours ()
{
  local begun ended run
  pipeline "$@" > p.toml
  rm -rf adze-runs
  begun=$(date +%s%N)
  OMP_NUM_THREADS=$5 "$adze" run -q p.toml > ours.out 2>&1 || { cat ours.out >&2; exit 1; }
  ended=$(date +%s%N)
  run=$(echo adze-runs/0*)
  awk -v ns=$((ended - begun)) 'match($0, /"accuracy": [0-9.]+/) { a = substr($0, RSTART + 12, RLENGTH - 12) }
    match($0, /"peak-memory": [0-9]+/) { p = substr($0, RSTART + 15, RLENGTH - 15) }
    END { printf "%.3f %.4f %d\n", ns / 1e9, a, p / 1024 }' "$run/metrics.json" "$run/report.json"
}

# theirs NET BATCH OPTIMISER EPOCHS THREADS CORETYPE
theirs ()
{
  local begun ended blas=1 omp=$5 core=(-u OPENBLAS_CORETYPE)
  [ "$1" = cnn ] || { blas=$5 omp=1; }
  [ "$6" = - ] || core=("OPENBLAS_CORETYPE=$6")
  begun=$(date +%s%N)
  env "${core[@]}" OPENBLAS_NUM_THREADS=$blas OMP_NUM_THREADS="$omp" MALLOC_MMAP_THRESHOLD_=4294967296 \
    MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 \
    /usr/bin/python3 "$TOP_SRCDIR/tests/bench/process.py" "$1" "$2" "$3" "$4" 1 > theirs.out || exit 1
  ended=$(date +%s%N)
  echo "$(awk -v ns=$((ended - begun)) 'BEGIN { printf "%.3f", ns / 1e9 }') $(cat theirs.out)"
}

# best NET BATCH OPTIMISER THREADS: the family of processors whose kernels are the fastest here.
best ()
{
  local core
  for core in $coretypes; do
    echo "$(theirs "$1" "$2" "$3" 1 "$4" "$core" | cut -d' ' -f1) $core"
  done | sort -n | head -n 1 | cut -d' ' -f2
}

# compare FASTER SMALLER NET BATCH OPTIMISER EPOCHS THREADS
compare ()
{
  local faster=$1 smaller=$2 i core a b
  shift 2
  core=$(best "$1" "$2" "$3" "$5")
  : > pairs.txt
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then a=$(ours "$@") && b=$(theirs "$@" "$core"); else b=$(theirs "$@" "$core") && a=$(ours "$@"); fi || exit 1
    echo "$a $b" >> pairs.txt
  done
  awk '{ print $4 / $1, $1, $4, $2, $5, $3, $6 }' pairs.txt | sort -n |
    awk -v n="$pairs" -v work="$*" -v core="$core" -v faster="$faster" -v smaller="$smaller" '
      { r[NR] = $1; ours[NR] = $2; theirs[NR] = $3; a += $4; b += $5; p += $6; q += $7 }
      END { m = int((n + 1) / 2)
            printf "%s: %.2f [%.2f-%.2f] times as fast as torch (%s), %.2f and %.2f s, needed %s; accuracy %.4f and %.4f; peak of memory 1/%.1f, %d and %d kB, needed 1/%s\n",
                   work, r[m], r[1], r[n], core, ours[m], theirs[m], faster, a / n, b / n,
                   q / p, p / n, q / n, smaller }'
}

# rate THREADS: of training the MLP, images a second; threads that wait spin as briefly as those of adze.
rate ()
{
  GOMP_SPINCOUNT=10000 OMP_NUM_THREADS=$1 "$peer" train mlp 64 adam 2 "$backend" "$1" | cut -d' ' -f1
}

# busy: two threads beside a process that keeps processor 0 busy, over one thread alone.
busy ()
{
  local i quiet beside spinning
  : > busy.txt
  for i in $(seq "$pairs"); do
    quiet=$(rate 1)
    taskset -c 0 sh -c 'while :; do :; done' &
    spinning=$!
    beside=$(rate 2)
    kill $spinning
    wait $spinning 2> /dev/null
    echo "$quiet $beside" >> busy.txt
  done
  awk '{ print $2 / $1, $2, $1 }' busy.txt | sort -n |
    awk -v n="$pairs" '{ r[NR] = $1; b[NR] = $2; q[NR] = $3 }
      END { m = int((n + 1) / 2)
            printf "train mlp 64 adam, 2 threads, one processor busy: %.2f [%.2f-%.2f] of one thread alone, %.0f and %.0f images/s, needed 0.5\n",
                   r[m], r[1], r[n], b[m], q[m] }'
}

compare 3 5 mlp 64 adam 3 1
compare 2.4 5 mlp 256 sgd 3 1
compare - 7 cnn 64 adam 1 1
busy

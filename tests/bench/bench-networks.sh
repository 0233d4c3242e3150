#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-networks.sh: training and inference beside python3-torch, same threads, same batch.
#
# Each pair is run one after the other, PAIRS times (9), each side SECONDS (2) after its warm-up; printed
# are the median of the ratios, their range, and both rates of the median pair. The peer is at its best:
# every mode that it has for the work is tried first, and the fastest one is what is compared with; its
# allocator keeps what it has (see docs/benchmarks.md).
set -u
pairs=${PAIRS:-9} seconds=${SECONDS_EACH:-2} backend=${BACKEND:-onednn}
coretypes=${CORETYPES-SkylakeX Cooperlake Zen Haswell}
peer=$TOP_BUILDDIR/tests/bench/network-peer
[ ! -x "$TOP_BUILDDIR/tests/bench/.libs/network-peer" ] || peer=$TOP_BUILDDIR/tests/bench/.libs/network-peer
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
python=/usr/bin/python3
$python -c 'import torch' 2> /dev/null || { echo "python3-torch is not there: nothing to compare with"; exit 0; }
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456

# ours WHAT NET BATCH OPTIMISER THREADS
ours ()
{
  env -u MALLOC_MMAP_THRESHOLD_ -u MALLOC_TRIM_THRESHOLD_ -u MALLOC_TOP_PAD_ GOMP_SPINCOUNT=10000 \
    OMP_NUM_THREADS="$5" "$peer" "$1" "$2" "$3" "$4" "$seconds" "$backend" "$5"
}

# theirs WHAT NET BATCH OPTIMISER THREADS MODE: at two threads two pools would fight, so each kind of
# network gets the one that is best for it. A MODE may end in "@FAMILY": the processors whose kernels its
# OpenBLAS is to take, which does not know the newest ones by itself.
theirs ()
{
  local blas=1 omp=$5 family=(-u OPENBLAS_CORETYPE)
  [ "$2" = cnn ] || { blas=$5 omp=1; }
  [ "$6" = "${6%@*}" ] || family=("OPENBLAS_CORETYPE=${6#*@}")
  env "${family[@]}" OPENBLAS_NUM_THREADS=$blas OMP_NUM_THREADS="$omp" \
    $python "$TOP_SRCDIR/tests/bench/networks.py" "$1" "$2" "$3" "$4" "$seconds" "${6%@*}" "$omp"
}

# fastest WHAT NET BATCH OPTIMISER THREADS MODE...: the mode of the highest rate.
fastest ()
{
  local work=("${@:1:5}") mode
  for mode in "${@:6}"; do
    echo "$(theirs "${work[@]}" "$mode" | cut -d' ' -f1) $mode"
  done | sort -rn | head -n 1 | cut -d' ' -f2
}

# best: the same, and with the kernels that are the fastest in that mode.
best ()
{
  local mode family modes
  mode=$(fastest "$@")
  modes=("$mode")
  for family in $coretypes; do modes+=("$mode@$family"); done
  fastest "${@:1:5}" "${modes[@]}"
}

# compare NEEDED WHAT NET BATCH OPTIMISER THREADS MODE...
compare ()
{
  local needed=$1 i mode a b
  shift
  mode=$(best "$@")
  set -- "${@:1:5}"
  : > pairs.txt
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then a=$(ours "$@"); b=$(theirs "$@" "$mode"); else b=$(theirs "$@" "$mode"); a=$(ours "$@"); fi
    echo "$a $b" >> pairs.txt
  done
  awk '{ print $1 / $5, $1, $5, $2, $3, $7 }' pairs.txt | sort -n |
    awk -v n="$pairs" -v work="$*" -v mode="$mode" -v needed="$needed" '
      { ratio[NR] = $1; ours[NR] = $2; theirs[NR] = $3; compiled += $4; peak = $5; other = $6 }
      END { m = int((n + 1) / 2)
            printf "%s: %.2f [%.2f-%.2f] times torch (%s), %.0f and %.0f images/s; needed %s; compiled in %.0f ms; peak %d and %d kB\n",
                   work, ratio[m], ratio[1], ratio[n], mode, ours[m], theirs[m], needed, compiled / n, peak, other }'
}

cd "$TMPDIR" || exit 1
compare 2.1 train mlp 64 adam 1 eager
compare 1.8 train mlp 64 adam 2 eager
compare 1.3 train mlp 256 sgd 1 eager
compare 1.5 train mlp 256 sgd 2 eager
compare 1.75 train cnn 64 adam 1 eager last
compare 1.9 train cnn 64 adam 2 eager last
compare 2.0 infer mlp 1 - 1 frozen
compare 2.5 infer mlp 1 - 1 eager
compare 2.0 infer cnn 1 - 1 eager frozen last last-frozen
compare 1.25 infer mlp 64 - 1 eager frozen
compare 1.25 infer cnn 64 - 1 eager frozen last last-frozen

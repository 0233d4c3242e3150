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
    if [ $((i % 2)) = 0 ]; then a=$(ours "$@") && b=$(theirs "$@" "$mode"); else b=$(theirs "$@" "$mode") && a=$(ours "$@"); fi || exit 1
    echo "$a $b" >> pairs.txt
  done
  awk '{ print $1 / $5, $1, $5, $2, $3, $7 }' pairs.txt | sort -n |
    awk -v n="$pairs" -v work="$*" -v mode="$mode" -v needed="$needed" '
      { ratio[NR] = $1; ours[NR] = $2; theirs[NR] = $3; compiled += $4; peak = $5; other = $6 }
      END { m = int((n + 1) / 2)
            printf "%s: %.2f [%.2f-%.2f] times torch (%s), %.0f and %.0f images/s; needed %s; compiled in %.0f ms; peak %d and %d kB\n",
                   work, ratio[m], ratio[1], ratio[n], mode, ours[m], theirs[m], needed, compiled / n, peak, other }'
}

# int8 NET BATCH THREADS: ours in integers beside ours in floats, and beside the peer's best integers; all
# with the same trained weights, each side with its own ranges of the same images.
int8 ()
{
  local net=$1 batch=$2 threads=$3 folder=$PWD/$1 i mode a b c
  mkdir -p "$folder"
  OMP_NUM_THREADS=1 $python "$TOP_SRCDIR/tests/bench/networks.py" prepare "$net" "$folder" "${EPOCHS:-2}" || return 0
  mode=$(best infer "$net" "$batch" "$folder" "$threads" qnnpack-eager qnnpack-frozen onednn-eager onednn-frozen)
  : > integers.txt
  for i in $(seq "$pairs"); do
    [ $((i % 2)) = 0 ] || a=$(ours int8 "$net" "$batch" "$folder" "$threads") || exit 1
    b=$(ours infer "$net" "$batch" "$folder" "$threads") || exit 1
    [ $((i % 2)) = 1 ] || a=$(ours int8 "$net" "$batch" "$folder" "$threads") || exit 1
    c=$(theirs infer "$net" "$batch" "$folder" "$threads" "$mode") || exit 1
    echo "$a $b $c" >> integers.txt
  done
  awk -v work="int8 $net $batch, $threads thread(s)" -v mode="$mode" -v n="$pairs" '
    function middle(list, k,   i, j, t) {
      for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (list[j] < list[i]) { t = list[i]; list[i] = list[j]; list[j] = t }
      return sprintf("%.2f [%.2f-%.2f]", list[int((n + 1) / 2)], list[1], list[n]) }
    { own[NR] = $1 / $6; own_cpu[NR] = $4 / $9; peer[NR] = $1 / $11; peer_cpu[NR] = $4 / $14
      rate = $1; accuracy = $5; floats = $10; theirs = $15 }
    END { printf "%s: %s times our own float32 (processor time %s); needed 2.6\n", work, middle(own), middle(own_cpu)
          printf "%s: %s times torch (%s; processor time %s), %.0f images/s; needed 2.5\n", work, middle(peer), mode, middle(peer_cpu), rate
          printf "%s: accuracy %.4f, our float32 %.4f, torch in int8 %.4f; needed within .002\n", work, accuracy, floats, theirs }' integers.txt
}

# bf16 NET BATCH THREADS: ours in bfloat16 beside ours in float32; with the weights that int8 has trained,
# where it has, and then how many of the images are recognised as well.
bf16 ()
{
  local i a b folder=-
  [ ! -e "$1/$1.f32" ] || folder=$PWD/$1
  : > halves.txt
  for i in $(seq "$pairs"); do
    [ $((i % 2)) = 0 ] || a=$(ours bf16 "$1" "$2" "$folder" "$3") || exit 1
    b=$(ours infer "$1" "$2" "$folder" "$3") || exit 1
    [ $((i % 2)) = 1 ] || a=$(ours bf16 "$1" "$2" "$folder" "$3") || exit 1
    echo "$a $b" >> halves.txt
  done
  awk '{ other = NF / 2; print $1 / $(other + 1), $4 / $(other + 4), $1, $(other + 1), (NF > 8 ? $5 : ""), $10 }' halves.txt |
    sort -n | awk -v work="bf16 $1 $2, $3 thread(s)" -v n="$pairs" '
      { ratio[NR] = $1; cpu[NR] = $2; ours[NR] = $3; floats[NR] = $4; right = $5; were = $6 }
      END { m = int((n + 1) / 2)
            printf "%s: %.2f [%.2f-%.2f] times our own float32 (processor time %.2f), %.0f and %.0f images/s\n",
                   work, ratio[m], ratio[1], ratio[n], cpu[m], ours[m], floats[m]
            if (right) printf "%s: accuracy %.4f, our float32 %.4f\n", work, right, were }'
}

cd "$TMPDIR" || exit 1
steps () { printf '%s ' "$@" "${@/%/-foreach}" "${@/%/-flush}" "${@/%/-foreach-flush}"; }
# shellcheck disable=SC2046
{
  compare 2.1 train mlp 64 adam 1 $(steps eager)
  compare 1.8 train mlp 64 adam 2 $(steps eager)
  compare 1.3 train mlp 256 sgd 1 $(steps eager)
  compare 1.5 train mlp 256 sgd 2 $(steps eager)
  compare 1.75 train cnn 64 adam 1 $(steps eager last)
  compare 1.9 train cnn 64 adam 2 $(steps eager last)
}
compare 2.0 infer mlp 1 - 1 frozen
compare 2.5 infer mlp 1 - 1 eager
compare 2.0 infer cnn 1 - 1 eager frozen last last-frozen
compare 1.25 infer mlp 64 - 1 eager frozen
compare 1.25 infer cnn 64 - 1 eager frozen last last-frozen
int8 cnn 64 1
bf16 mlp 64 1
bf16 cnn 64 1

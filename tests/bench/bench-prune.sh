#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-prune.sh: a global share of 1,073,741,824 float32 weights (4 GB in 64 tensors, TENSORS), exact to one
# weight, against reading the file twice and writing it once with dd and sync: wall, the processor's seconds
# outside of the system, and what is resident.
#
# PAIRS pairs (9), the order changing; printed are the median of the ratios and their range. A few GB are
# touched before every run of either side, since memory that was free for a while is slow at its first touch
# on virtual machines. The input is in the page cache, as far as there is room for it.
set -u
pairs=${PAIRS:-9} tensors=${TENSORS:-64} share=${SHARE:-0.8}
cd "$TMPDIR" || exit 1

# The program itself, laid out as in a build: libtool's script takes longer to start.
mkdir -p stage/hosts/cli stage/hosts/worker stage/plugins/.libs
cp "${ADZE_BINARY:-$ADZE}" stage/hosts/cli/adze || exit 1
cp "${ADZE_WORKER_BINARY:-$TOP_BUILDDIR/hosts/worker/adze-worker}" stage/hosts/worker/adze-worker || exit 1
cp "$TOP_BUILDDIR"/plugins/.libs/*.so stage/plugins/.libs/ 2> /dev/null
echo "$TOP_SRCDIR" > stage/adze-uninstalled
adze=$PWD/stage/hosts/cli/adze

"$TOP_BUILDDIR/tests/pipelines/model-peer" big.safetensors "$tensors" 4096 4096 7 || exit 1
bytes=$(stat -c %s big.safetensors)
weights=$((tensors * 4096 * 4096))
pruned=$(awk -v n=$weights -v s="$share" 'BEGIN { printf "%d", s * n + 0.5 }')
cat > prune.toml << END
adze = 1
name = "prune"
[model]
path = "big.safetensors"
[[stage]]
use = "prune-magnitude"
sparsity = $share
require = "pruned == $pruned"
[[output]]
path = "out.safetensors"
END

# timed COMMAND...: wall seconds, the program's own CPU seconds, the system's, kB: in time.out.
timed ()
{
  rm -rf out.safetensors copy.safetensors adze-runs
  sync
  head -c 3000000000 /dev/zero | tail -c 1 > /dev/null
  cat big.safetensors > /dev/null
  command time -f '%e %U %S %M' -o time.out "$@" > run.log 2>&1 || { echo "failed: $*" >&2; cat run.log >&2; exit 1; }
  cat time.out
}
ours () { timed "$adze" run prune.toml; }
plain ()
{
  timed sh -c 'dd if=big.safetensors of=/dev/null bs=8M && dd if=big.safetensors of=copy.safetensors bs=8M &&
    sync copy.safetensors'
}

echo "file: $bytes bytes in $tensors tensors, $weights weights, $(nproc) processors, $pairs pairs"
: > pairs.txt
for i in $(seq "$pairs"); do
  if [ $((i % 2)) = 0 ]; then a=$(plain) && b=$(ours); else b=$(ours) && a=$(plain); fi || exit 1
  echo "$a $b" >> pairs.txt
done
awk '{ print $5 / $1, $1, $5, $6, $7, $8 }' pairs.txt | sort -n > by-ratio.txt
awk '{ print $6 }' pairs.txt | sort -n > own.txt
awk -v n="$pairs" '
  FNR == NR { own[FNR] = $1; next }
  { ratio[FNR] = $1; a[FNR] = $2; b[FNR] = $3; if ($6 > most) most = $6 }
  END { m = int((n + 1) / 2)
        printf "prune-magnitude over reading twice and writing once: %.2f [%.2f-%.2f] (of the median pair %.2f s and %.2f s), needed 2.5\n",
               ratio[m], ratio[1], ratio[n], a[m], b[m]
        printf "its own CPU seconds: %.2f [%.2f-%.2f], needed 2; resident %.1f MB, needed 64\n", own[m],
               own[1], own[n], most / 1000 }' own.txt by-ratio.txt
rm -f ./*.safetensors

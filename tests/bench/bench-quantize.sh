#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-quantize.sh: a file of float32 (TENSORS of 64 MB: 64, which are 4 GB) becomes codes.
#
#   int8 per row, against reading the file and writing what comes of it with dd and sync
#   pruned, clustered and quantised in one segment (CLUSTERED tensors: 8), against the larger of its input and
#     output (the same pass with all tensors skipped) and its CPU time over the number of processors
#
# PAIRS pairs (9), the order changing; printed are the median of the ratios and their range. A few GB are
# touched before every run of either side, since memory that was free for a while is slow at its first touch
# on virtual machines. The input is in the page cache, as far as there is room for it.
set -u
pairs=${PAIRS:-9} tensors=${TENSORS:-64} clustered=${CLUSTERED:-8}
cd "$TMPDIR" || exit 1

# The program itself, laid out as in a build: libtool's script takes longer to start.
mkdir -p stage/hosts/cli stage/hosts/worker stage/plugins/.libs
cp "${ADZE_BINARY:-$ADZE}" stage/hosts/cli/adze || exit 1
cp "${ADZE_WORKER_BINARY:-$TOP_BUILDDIR/hosts/worker/adze-worker}" stage/hosts/worker/adze-worker || exit 1
cp "$TOP_BUILDDIR"/plugins/.libs/*.so stage/plugins/.libs/ 2> /dev/null
echo "$TOP_SRCDIR" > stage/adze-uninstalled
adze=$PWD/stage/hosts/cli/adze

"$TOP_BUILDDIR/tests/pipelines/model-peer" big.safetensors "$tensors" 4096 4096 7 || exit 1
"$TOP_BUILDDIR/tests/pipelines/model-peer" some.safetensors "$clustered" 4096 4096 8 || exit 1

# pipeline NAME MODEL, the stages coming by stdin
pipeline ()
{
  printf 'adze = 1\nname = "%s"\n[model]\npath = "%s.safetensors"\n' "$1" "$2"
  cat
  printf '[[output]]\npath = "out.safetensors"\n'
}
three ()
{
  printf '[[stage]]\nuse = "prune-magnitude"\nsparsity = 0.5\n%s\n' "$1"
  printf '[[stage]]\nuse = "cluster"\nk = 16\n%s\n' "$1"
  printf '[[stage]]\nuse = "quantize"\ncodec = { use = "int8", per = "channel" }\n%s\n' "$1"
}
pipeline int8 big > int8.toml << 'END'
[[stage]]
use = "quantize"
codec = { use = "int8", per = "channel" }
END
three 'on-no-effect = "warn"' | pipeline three some > three.toml
three 'on-no-effect = "warn"
[[stage.rule]]
match = "*"
skip = true' | pipeline none some > none.toml

# timed COMMAND...: wall seconds, CPU seconds, kB resident.
timed ()
{
  rm -rf out.safetensors copy adze-runs
  sync
  head -c 3000000000 /dev/zero | tail -c 1 > /dev/null
  cat "$file.safetensors" > /dev/null
  command time -f '%e %U %S %M' -o time.out "$@" > run.log 2>&1 || { echo "failed: $*" >&2; cat run.log >&2; exit 1; }
  awk '{ print $1, $2 + $3, $4 }' time.out
}
run () { timed "$adze" run "$1.toml"; }

# ---- Codes of rows.
file=big
run int8 > /dev/null
mv out.safetensors codes
plain ()
{
  timed sh -c 'dd if=big.safetensors of=/dev/null bs=8M && dd if=codes of=copy bs=8M && sync copy'
}
echo "file: $(stat -c %s big.safetensors) bytes in $tensors tensors, $(nproc) processors, $pairs pairs"
: > pairs.txt
for i in $(seq "$pairs"); do
  if [ $((i % 2)) = 0 ]; then a=$(plain) && b=$(run int8); else b=$(run int8) && a=$(plain); fi || exit 1
  echo "$a $b" >> pairs.txt
done
awk '{ print $4 / $1, $1, $4, $5, $6 }' pairs.txt | sort -n | awk -v n="$pairs" '
  { ratio[NR] = $1; a[NR] = $2; b[NR] = $3; cpu += $4; if ($5 > most) most = $5 }
  END { m = int((n + 1) / 2)
        printf "int8 per row over reading and writing: %.2f [%.2f-%.2f] (of the median pair %.2f s and %.2f s), needed 1.3\n",
               ratio[m], ratio[1], ratio[n], a[m], b[m]
        printf "its CPU seconds: %.2f; resident %.1f MB\n", cpu / n, most / 1000 }'
rm -f big.safetensors codes

# ---- Three stages in one segment.
file=some
echo "file: $(stat -c %s some.safetensors) bytes in $clustered tensors"
"$adze" plan three.toml | grep -q '^segment 2' && echo "the three stages are several segments" >&2
: > pairs.txt
for i in $(seq "$pairs"); do
  if [ $((i % 2)) = 0 ]; then a=$(run none) && b=$(run three); else b=$(run three) && a=$(run none); fi || exit 1
  echo "$a $b" >> pairs.txt
done
awk -v processors="$(nproc)" '{ least = $5 / processors; if ($1 > least) least = $1; print $4 / least, $1, $4, $5, $6 }' pairs.txt \
  | sort -n | awk -v n="$pairs" '
  { ratio[NR] = $1; a[NR] = $2; b[NR] = $3; c[NR] = $4; if ($5 > most) most = $5 }
  END { m = int((n + 1) / 2)
        printf "pruned, clustered, quantised over the larger of input and output and CPU time: %.2f [%.2f-%.2f] (of the median pair %.2f s; without stages %.2f s, CPU %.2f s), needed 1.15\n",
               ratio[m], ratio[1], ratio[n], b[m], a[m], c[m]
        printf "resident %.1f MB\n", most / 1000 }'
rm -f ./*.safetensors

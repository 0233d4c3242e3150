#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-gguf-file.sh: a whole file in the shape of a language model (LAYERS 8: 983 MB of float16, 492 M weights) to
# each of MIXTURES (q4_k_m) by adze and by llama.cpp's library: the same bytes, and how many times fewer of the
# processor's seconds. PAIRS pairs (5), the order changing, one thread each; printed are the medians and the range
# of the ratios. ADZE_NODE_MODULES says where llama.cpp's library is (see tests/clients/lib.sh).
#
# The program's seconds are all of them, those of the system included; of the library those of the call alone.
set -u
pairs=${PAIRS:-5} layers=${LAYERS:-8} mixtures=${MIXTURES:-q4_k_m:15}
folder=${ADZE_NODE_MODULES-}/@node-llama-cpp/linux-x64/bins/linux-x64
[ -r "$folder/libllama.v0.5.0.so" ] || { echo "skipped: there is no libllama.v0.5.0.so in '$folder'"; exit 77; }
cd "$TMPDIR" || exit 1

# The program itself, laid out as in a build: libtool's script takes longer to start.
mkdir -p stage/hosts/cli stage/hosts/worker stage/plugins/.libs
cp "${ADZE_BINARY:-$ADZE}" stage/hosts/cli/adze || exit 1
cp "${ADZE_WORKER_BINARY:-$TOP_BUILDDIR/hosts/worker/adze-worker}" stage/hosts/worker/adze-worker || exit 1
cp "$TOP_BUILDDIR"/plugins/.libs/*.so stage/plugins/.libs/ 2> /dev/null
echo "$TOP_SRCDIR" > stage/adze-uninstalled
adze=$PWD/stage/hosts/cli/adze

"$TOP_BUILDDIR/tests/bench/llama-model-peer" model.gguf layers="$layers" || exit 1
echo "file: $(stat -c %s model.gguf) bytes, $(nproc) processors, $pairs pairs, one thread each"

warm ()
{
  sync
  cat model.gguf > /dev/null
}

ours ()
{
  rm -rf ours.gguf adze-runs
  warm
  command time -f '%U %S' -o time.out "$adze" run --set run.threads=1 p.toml > run.log 2>&1 || { cat run.log >&2; exit 1; }
  awk '{ print $1 + $2 }' time.out
}

theirs ()
{
  rm -f theirs.gguf
  warm
  "$TOP_BUILDDIR/tests/clients/llama-quantize-peer" "$folder" model.gguf theirs.gguf "$1" 1 || exit 1
}

for pair in $mixtures; do
  mixture=${pair%:*} number=${pair#*:}
  cat > p.toml << END
adze = 1
name = "q"
[model]
path = "model.gguf"
[[stage]]
use = "quantize"
mixture = "$mixture"
[[output]]
path = "ours.gguf"
END
  : > pairs.txt
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then a=$(theirs "$number") && b=$(ours); else b=$(ours) && a=$(theirs "$number"); fi || exit 1
    echo "$a $b" >> pairs.txt
  done
  one=$(sha256sum < ours.gguf) other=$(sha256sum < theirs.gguf)
  [ "$one" = "$other" ] || { echo "$mixture: the files differ: $one, needed $other"; exit 1; }
  awk -v what="$mixture" '
    function middle (of, n,    i, k, t) {
      for (i = 2; i <= n; i++)
        for (k = i; k > 1 && of[k] < of[k - 1]; k--) { t = of[k]; of[k] = of[k - 1]; of[k - 1] = t }
      return n % 2 ? of[(n + 1) / 2] : (of[n / 2] + of[n / 2 + 1]) / 2
    }
    { a[NR] = $1; b[NR] = $2; r[NR] = $1 / $2 }
    END {
      ratio = middle (r, NR)
      printf "%s: same bytes; llama.cpp %.2f s, adze %.2f s: %.2f times fewer (%.2f to %.2f)\n", what,
             middle (a, NR), middle (b, NR), ratio, r[1], r[NR]
    }' pairs.txt
done

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-runs.sh: what a run costs beside the plain input and output that it cannot do without.
#
#   a stage that changes every value of a 2 GB file, against cp and sync of the same file,
#     with the input in the page cache, and with the input evicted
#   the same stage in a process of its own, against itself here
#   four stages over a model four times as large as max-rss, against the same pass with all tensors
#     skipped (the same ring, threads and chunks, and no stage)
#   adze show of the file
#
# Each pair is run one after the other, PAIRS times (9); printed are the median ratio and its range.
# Memory that has been free for a while is slow at its first touch on virtual machines, so a few GB
# are touched before every run of either side. The page cache is no part of what is resident.
set -u
pairs=${PAIRS:-9}
cd "$TMPDIR" || exit 1
adze=${ADZE_BINARY:-$ADZE}
sources=$TOP_SRCDIR

mkdir -p plugins "$XDG_CONFIG_HOME/adze"
echo "trusted = [\"$PWD/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
export ADZE_PLUGIN_PATH=$PWD/plugins
sed -e 's/@NAME@/scale/g; s/@C_NAME@/scale/g' \
  -e 's/\.effect = ADZE_CHANGES,/.effect = ADZE_CHANGES, .grain = ADZE_GRAIN_ELEMENT,/' \
  "$sources/sdk/template/technique.c" > scale.c
grep -q GRAIN_ELEMENT scale.c || { echo "the template has changed"; exit 1; }
gcc -std=gnu11 -O2 -shared -fPIC -fvisibility=hidden -I"$sources/sdk/include" -o plugins/scale.so scale.c || exit 1

# A file of 128 tensors of 16 MB: the header by hand, the numbers from one block.
big ()
{
  "$TOP_BUILDDIR/tests/pipelines/model-peer" "$1" 128 4096 1024 || exit 1
}
[ -f big.safetensors ] || big big.safetensors
bytes=$(stat -c %s big.safetensors)

pipeline ()
{
  printf 'adze = 1\nname = "%s"\n[model]\npath = "big.safetensors"\n' "$1"
  cat
  printf '[[output]]\npath = "out.safetensors"\n'
}
pipeline one > one.toml << 'END'
[[stage]]
use = "scale"
END
pipeline isolated > isolated.toml << 'END'
[[stage]]
use = "scale"
isolate = true
END
four ()
{
  printf '[run]\nmax-rss = "500MB"\n'
  for number in 1 2 3 4; do
    printf '[[stage]]\nuse = "scale"\nid = "s%s"\nfactor = 1.%s\non-no-effect = "warn"\n%s\n' \
      $number $number "$1"
  done
}
four '' | pipeline four > four.toml
four '[[stage.rule]]
match = "*"
skip = true' | pipeline none > none.toml

# Touches 3 GB, so that both sides find memory that is warm.
warm ()
{
  head -c 3000000000 /dev/zero | tail -c 1 > /dev/null
  dd if=/dev/zero of=/dev/shm/warm bs=1M count=2500 2> /dev/null
  rm -f /dev/shm/warm
}
cached () { cat big.safetensors > /dev/null; }
evicted () { sync; dd if=big.safetensors iflag=nocache count=0 2> /dev/null; }

# timed COMMAND...: wall seconds and CPU seconds, "W C", and the peak of resident memory in peak.
timed ()
{
  rm -rf out.safetensors copy.safetensors adze-runs
  sync
  warm
  $state
  command time -f '%e %U %S %M' -o time.out "$@" > /dev/null 2>&1 || { echo "failed: $*" >&2; "$@" >&2; exit 1; }
  awk '{ print $1, $2 + $3 }' time.out
  peak=$(awk '{ print $4 }' time.out)
}
copy () { timed sh -c 'cp big.safetensors copy.safetensors && sync copy.safetensors'; }
run () { timed "$adze" run "$1.toml"; }

# compare TITLE STATE A B: B's wall over A's, paired, and CPU seconds of both.
compare ()
{
  local title=$1 a=$3 b=$4
  state=$2
  : > pairs.txt
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then first=$($a); second=$($b); else second=$($b); first=$($a); fi
    echo "$first $second" >> pairs.txt
  done
  awk '{ print $3 / $1, $1, $2, $3, $4 }' pairs.txt | sort -n > sorted.txt
  awk -v n="$pairs" -v title="$title" '
    { ratio[NR] = $1; a[NR] = $2; ac += $3; b[NR] = $4; bc += $5 }
    END { printf "%s: %.2f [%.2f-%.2f] (of the median pair %.2f s and %.2f s; CPU %.2f s and %.2f s)\n",
          title, ratio[int((n + 1) / 2)], ratio[1], ratio[n], a[int((n + 1) / 2)],
          b[int((n + 1) / 2)], ac / n, bc / n }' sorted.txt
}

run_one () { run one; }
run_isolated () { run isolated; }
run_four () { run four; }
run_none () { run none; }

echo "file: $bytes bytes in 128 tensors, $(nproc) processors, $pairs pairs"
compare "one stage over cp and sync, input cached" cached copy run_one
state=cached
run one > /dev/null
echo "resident, one stage: $(awk '{ print $4 }' time.out) kB"
compare "one stage over cp and sync, input evicted" evicted copy run_one
compare "one stage in its own process over itself here" cached run_one run_isolated
compare "four stages over the same pass without stages" cached run_none run_four
run four > /dev/null
echo "resident, four stages, max-rss 500 MB: $(awk '{ print $4 }' time.out) kB"
for i in 1 2 3 4 5 6 7 8 9; do
  begun=$(date +%s%N)
  "$adze" show big.safetensors > /dev/null
  echo $((($(date +%s%N) - begun) / 1000))
done | sort -n | awk '{ t[NR] = $1 } END { printf "adze show: %.1f ms [%.1f-%.1f]\n", t[5] / 1000, t[1] / 1000, t[9] / 1000 }'
rm -f big.safetensors out.safetensors copy.safetensors

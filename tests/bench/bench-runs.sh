#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-runs.sh: what a run costs beside the plain input and output that it cannot do without.
#
#   a stage that changes every value of a 2 GB file, against cp and sync of the same file,
#     with the input in the page cache, and with the input evicted
#   the same stage in a process of its own, against itself here
#   what such a process adds to a run that has next to nothing to do
#   four stages over a model four times as large as max-rss, against the same pass with all tensors
#     skipped (the same ring, threads and chunks, and no stage), cached and evicted
#   adze show of the file, and how much of an evicted file it brought in
#
# Each pair is run one after the other, PAIRS times (9); printed are the median ratio and its range.
# Memory that has been free for a while is slow at its first touch on virtual machines, so a few GB
# are touched before every run of either side. The page cache is no part of what is resident.
set -u
pairs=${PAIRS:-9}
cd "$TMPDIR" || exit 1
sources=$TOP_SRCDIR

# The programs themselves, laid out as in a build: libtool's scripts, which stand for them in a build
# tree, take longer to start than they do.
mkdir -p stage/hosts/cli stage/hosts/worker stage/plugins/.libs
cp "${ADZE_BINARY:-$ADZE}" stage/hosts/cli/adze || exit 1
cp "${ADZE_WORKER_BINARY:-$TOP_BUILDDIR/hosts/worker/adze-worker}" stage/hosts/worker/adze-worker || exit 1
cp "$TOP_BUILDDIR"/plugins/.libs/*.so stage/plugins/.libs/ 2> /dev/null
echo "$TOP_SRCDIR" > stage/adze-uninstalled
adze=$PWD/stage/hosts/cli/adze

mkdir -p plugins "$XDG_CONFIG_HOME/adze"
echo "trusted = [\"$PWD/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
export ADZE_PLUGIN_PATH=$PWD/plugins
sed -e 's/@NAME@/scale/g; s/@C_NAME@/scale/g' "$sources/sdk/template/technique.c" > scale.c
gcc -std=gnu11 -O3 -shared -fPIC -fvisibility=hidden -I"$sources/sdk/include" -o plugins/scale.so scale.c || exit 1

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
  awk '{ print $4 / $2 }' pairs.txt | sort -n > processor.txt
  awk -v n="$pairs" -v title="$title" '
    FNR == NR { cpu[FNR] = $1; next }
    { ratio[FNR] = $1; a[FNR] = $2; ac += $3; b[FNR] = $4; bc += $5 }
    END { m = int((n + 1) / 2)
          printf "%s: %.2f [%.2f-%.2f] (of the median pair %.2f s and %.2f s)\n", title, ratio[m],
                 ratio[1], ratio[n], a[m], b[m]
          printf "  processor: %.2f [%.2f-%.2f] (means %.2f s and %.2f s)\n", cpu[m], cpu[1],
                 cpu[n], ac / n, bc / n }' processor.txt sorted.txt
}

# Milliseconds that a run of so little takes.
milliseconds ()
{
  local begun
  rm -rf adze-runs little-out.safetensors
  begun=$(date +%s%N)
  "$adze" run "$1.toml" > /dev/null 2>&1 || exit 1
  echo $((($(date +%s%N) - begun) / 1000)) | awk '{ print $1 / 1000 }'
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
"$TOP_BUILDDIR/tests/pipelines/model-peer" little.safetensors 2 16 16
for name in one isolated; do
  sed 's/big/little/; s/out\.saf/little-out.saf/' $name.toml > little-$name.toml
done
for i in $(seq "$pairs"); do
  echo "$(milliseconds little-one) $(milliseconds little-isolated)"
done | awk '{ print $2 - $1, $1, $2 }' | sort -n | awk -v n="$pairs" '
  { more[NR] = $1; a[NR] = $2; b[NR] = $3 }
  END { m = int((n + 1) / 2)
        printf "a process of its own, in a run of nothing: %.1f ms [%.1f-%.1f] more (%.1f and %.1f)\n",
               more[m], more[1], more[n], a[m], b[m] }'
compare "four stages over the same pass without stages, input cached" cached run_none run_four
compare "four stages over the same pass without stages, input evicted" evicted run_none run_four
run four > /dev/null
echo "resident, four stages, max-rss 500 MB: $(awk '{ print $4 }' time.out) kB"
evicted
"$adze" show big.safetensors > /dev/null
echo "adze show of an evicted file brought in $(fincore -b -n -o RES big.safetensors) bytes"
for i in 1 2 3 4 5 6 7 8 9; do
  begun=$(date +%s%N)
  "$adze" show big.safetensors > /dev/null
  echo $((($(date +%s%N) - begun) / 1000))
done | sort -n | awk '{ t[NR] = $1 } END { printf "adze show: %.1f ms [%.1f-%.1f]\n", t[5] / 1000, t[1] / 1000, t[9] / 1000 }'
rm -f ./*.safetensors

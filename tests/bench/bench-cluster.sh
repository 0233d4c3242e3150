#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-cluster.sh: exact k-means in one dimension, COUNT numbers (4,000,000) and K values (16): the
# processor's seconds beside those of python3-sklearn's KMeans, and its clusters beside those of dynamic
# programming over all points.
#
# Sorting and all memory count on our side. Of the peer fit alone counts, on one thread, with one start and the
# faster of its two algorithms, which is "lloyd" ("elkan" takes longer, on tails by far). PAIRS pairs (9), the order changing; printed are the median of the
# ratios and their range.
set -u
pairs=${PAIRS:-9} count=${COUNT:-4000000} k=${K:-16}
/usr/bin/python3 -c 'import sklearn' 2> /dev/null || {
  echo "python3-sklearn is not there: nothing to compare with"
  exit 0
}
peer=$TOP_BUILDDIR/tests/bench/cluster-peer
[ ! -x "$TOP_BUILDDIR/tests/bench/.libs/cluster-peer" ] || peer=$TOP_BUILDDIR/tests/bench/.libs/cluster-peer
cd "$TMPDIR" || exit 1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Both print "SECONDS ERROR".
ours ()
{
  "$peer" time numbers.f32 "$k"
}

theirs ()
{
  /usr/bin/python3 "$TOP_SRCDIR/tests/bench/cluster.py" numbers.f32 "$k"
}

# compare KIND NEEDED
compare ()
{
  local i a b
  "$peer" make "$1" "$count" 1 numbers.f32 || exit 1
  : > pairs.txt
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then
      a=$(ours) || exit 1
      b=$(theirs) || exit 1
    else
      b=$(theirs) || exit 1
      a=$(ours) || exit 1
    fi
    echo "$a $b" >> pairs.txt
  done
  awk '{ print $1 / $3, $1, $3, $2, $4 }' pairs.txt | sort -n |
    awk -v n="$pairs" -v kind="$1" -v needed="$2" -v all="$("$peer" check numbers.f32 "$k")" '
      { r[NR] = $1; ours[NR] = $2; theirs[NR] = $3; error[NR] = $5 / $4 - 1 }
      END { m = int((n + 1) / 2)
            split(all, full, " ")
            printf "%s: %.2f [%.2f-%.2f] of the time of sklearn, %.2f and %.2f s, needed %s; its error is %.2f %% above ours; over all points %.2f s, %s clusters\n",
                   kind, r[m], r[1], r[n], ours[m], theirs[m], needed, error[m] * 100, full[1], full[3] }'
}

compare normal 0.25
compare mixture 0.25
compare tails 0.6

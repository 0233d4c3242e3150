#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-route.sh: how many queries route-emotion routes in a second, among 10 domains on one core, and how long reading
# the default classifier takes.
#
# QUERIES (100000) sentences of XED, each with a number behind it, so that none is asked twice; conversations of ten.
# By the clock it is what the plugin says in its log: from the first look at the table of queries to the last table that
# goes out, emotions, relevance, scores of all domains, decisions and reasons in words among it. A machine with much else
# to do shows in that, so a processor's time is counted as well: of the whole program, from reading the file of queries to
# writing the decisions, less that of a run with one query. ROUNDS (5) runs of each; median and range.
# Needed are 20,000 queries a second, and 20 ms.
set -u
queries=${QUERIES:-100000} rounds=${ROUNDS:-5}
data=${ADZE_TEST_DATA:-}/emotion-xed/train.tsv
[ -e "$data" ] || { echo "needed is ADZE_TEST_DATA with emotion-xed/train.tsv"; exit 77; }
cd "$TMPDIR" || exit 1
python3 - "$data" "$queries" << 'END'
import csv, sys
texts = [line.split("\t")[0] for line in open(sys.argv[1], encoding="utf-8")]
with open("queries.csv", "w", newline="") as out:
    w = csv.writer(out, lineterminator="\n")
    w.writerow(["conversation", "text"])
    for i in range(int(sys.argv[2])):
        w.writerow([str(i // 10), "%s %d" % (texts[i % len(texts)], i)])
with open("domains.csv", "w", newline="") as out:
    w = csv.writer(out, lineterminator="\n")
    w.writerow(["name", "description", "examples", "profile", "latency", "quality"])
    emotions = ["joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation"]
    for d in range(10):
        w.writerow(["domain-%d" % d, "about " + " ".join(texts[d * 7].split()[:8]), " ".join(texts[d * 31:d * 31 + 5]),
                    "%s=0.8; %s=0.4" % (emotions[d % 8], emotions[(d * 3 + 1) % 8]), 50 + 40 * d, 0.5 + d / 25])
END
cat > route.toml << END
adze = 1
name = "bench-route"
[run]
threads = 1
[input.emotions]
kind = "model"
path = "${TOP_SRCDIR:-.}/share/emotion-default.safetensors"
[input.domains]
kind = "table"
path = "domains.csv"
[input.queries]
kind = "table"
path = "queries.csv"
[[stage]]
use = "route-emotion"
inputs = { emotions = "input.emotions", domains = "input.domains", queries = "input.queries" }
[[output]]
path = "decisions.csv"
from = "route-emotion.decisions"
END
head -n 2 queries.csv > one.csv
cat > measure.py << 'END'
import re, resource, statistics, subprocess, sys
adze, queries, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def run(path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["taskset", "-c", "0", adze, "run", "route.toml", "--fresh", "--verbose", "--set",
                           "input.queries.path=" + path], capture_output=True, text=True)
    told = re.search(r"the classifier was read in ([0-9.]+) ms, .* queries took ([0-9.]+) ms", done.stderr)
    if done.returncode != 0 or not told:
        sys.exit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [float(told[1]), float(told[2]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]

all_, one = [run("queries.csv") for _ in range(rounds)], [run("one.csv") for _ in range(rounds)]
base = statistics.median(r[2] for r in one)
for what, numbers, needed in (
        ("queries in a second of a processor's time", [queries / (r[2] - base) for r in all_], "20000 at least"),
        ("queries in a second by the clock", [1e3 * queries / r[1] for r in all_], "20000 at least"),
        ("ms to read the classifier, by the clock", [r[0] for r in all_ + one], "20 at most"),
        ("ms of a processor's time for a run of one query", [1e3 * r[2] for r in one], "-")):
    print("%-48s median %.1f (%.1f to %.1f); needed: %s"
          % (what, statistics.median(numbers), min(numbers), max(numbers), needed))
END
python3 measure.py "$ADZE" "$queries" "$rounds"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-emotion.sh: how good emotion-train is on the English part of XED, by 10-fold cross-validation.
#
# Each fold is judged by a classifier that has seen nothing of it: neither weights nor rarity, calibration or thresholds
# come from its rows. Of the other nine tenths a fifth is set aside for calibration and thresholds; weights are then
# learnt once more from all nine. SEEDS (3) times, each with other folds; FOLDS (10), BACKEND (onednn) and OPTIONS
# ("--set stage.emotion-train.NAME=VALUE ...") can be given. Presets were chosen on rows that were set aside with seed 1.
# Needed is a macro F1 of .44 and a top-1 of .47.
set -u
seeds=${SEEDS:-3} folds=${FOLDS:-10} backend=${BACKEND:-onednn}
data=${ADZE_TEST_DATA:-}/emotion-xed/train.tsv
[ -e "$data" ] || { echo "needed is ADZE_TEST_DATA with emotion-xed/train.tsv"; exit 77; }
case " ${ADZE_MISSING_PLUGINS-} " in *" onednn "*) backend=ref ;; esac
cd "$TMPDIR" || exit 1
for seed in $(seq "$seeds"); do
  cat > bench.toml << END
adze = 1
name = "bench-emotion"
seed = $seed
[run]
backend = "$backend"
[data.xed]
use = "csv"
path = "$data"
separator = "tab"
quoting = false
header = false
text-columns = ["1", "2"]
[[stage]]
use = "emotion-train"
data = "xed"
text = "1"
labels = "2"
folds = $folds
[[output]]
path = "seed-$seed.json"
from = "emotion-train.report"
[[output]]
path = "model.safetensors"
END
  # shellcheck disable=SC2086
  "$ADZE" run bench.toml --fresh ${OPTIONS-} > run.log 2>&1 || { cat run.log; exit 1; }
  grep '^run ' run.log | tail -n 1
done
python3 - seed-*.json << 'END'
import json, statistics, sys
reports = [json.load(open(name)) for name in sys.argv[1:]]
for what, needed in ("macro-f1", .44), ("top-1", .47):
    means = [r[what]["mean"] for r in reports]
    spreads = ", ".join("%.4f" % r[what]["deviation"] for r in reports)
    print("%-9s median of seeds %.4f (%.4f to %.4f), deviations between folds %s; needed %.2f"
          % (what, statistics.median(means), min(means), max(means), spreads, needed))
for name in reports[0]["emotions"]:
    print("%-13s" % name, "  ".join("%s %.3f" % (m, statistics.median(r["emotions"][name][m]["mean"] for r in reports))
                                    for m in ("precision", "recall", "f1")))
END

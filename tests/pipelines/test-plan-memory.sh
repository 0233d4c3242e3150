#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `adze plan` says of memory, of pipelines whose stages have run: what it knows and what it does
# not know.
. "$(dirname "$0")/train-lib.sh"

# plan NAME: into NAME.txt, and as JSON into NAME.json.
plan ()
{
  must "$ADZE" plan "$1.toml"
  cp must.out "$1.txt"
  "$ADZE" --json plan "$1.toml" > "$1.json" 2> err || complain "no JSON of $1: $(cat err)"
}

# ---- What comes after a stage that has to run first.
learn later mlp.onnx
cat >> later.toml << 'END'
[[stage]]
use = "evaluate"
data = "test"
END
plan later
grep -q "^memory: at least about .*'evaluate'.* known once" later.txt \
  || complain "the plan knows what the second of two stages takes: $(grep memory later.txt)"
holds later.json 'r["memory-unknown"][-1] == "evaluate"'
must "$ADZE" run later.toml
report=$(ls adze-runs/0*-learn/report.json)
holds "$report" '"evaluate" in r["predicted-memory-unknown"] and r["predicted-memory"] > 0'

# ---- Without such stages it is a bound, as ever.
cat > bound.toml << END
adze = 1
[model]
path = "$PWD/mlp.onnx"
[[stage]]
use = "profile"
END
plan bound
grep -q '^memory: about .* at most$' bound.txt || complain "no bound: $(grep memory bound.txt)"
holds bound.json 'r["memory-unknown"] == []'

finish

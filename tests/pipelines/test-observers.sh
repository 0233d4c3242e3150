#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Observers that a pipeline names: they see the whole run, and one that fails does not bring it down.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

model model.safetensors 4 8 8

# pipeline PATH: watched by trace, which writes there.
pipeline ()
{
  cat << END
adze = 1
name = "watched"
[model]
path = "$PWD/model.safetensors"
[[observer]]
use = "trace"
format = "json"
path = "$1"
[[stage]]
use = "profile"
END
}

pipeline "$PWD/trace.jsonl" > p.toml
must "$ADZE" run p.toml
for event in run.started segment.started stage.metric segment.finished run.finished; do
  grep -qF "\"$event\"" trace.jsonl || complain "the observer should have seen $event"
done
[ "$(grep -cF '"run.finished"' trace.jsonl)" = 1 ] || complain "it should have seen the end once"

# It watches the run that names it, and no other.
pipeline "$PWD/other.jsonl" > other.toml
must "$ADZE" run other.toml --fresh
[ "$(grep -cF '"run.started"' trace.jsonl)" = 1 ] || complain "it should have seen its own run only"

# One that fails on the way.
pipeline /dev/full > full.toml
must "$ADZE" run full.toml --fresh
grep -qF "the observer stopped watching" must.out || complain "that it failed should be said"
must "$ADZE" runs list
tail -n 1 must.out | grep -qF finished || complain "the run should have finished all the same"

# One that cannot even begin: there is no run.
before=$(ls adze-runs)
pipeline "$PWD/no/such/folder/x" > none.toml
must_fail "observer 'trace' cannot watch" "$ADZE" run none.toml
[ "$(ls adze-runs)" = "$before" ] || complain "a run that does not begin should leave nothing"
finish

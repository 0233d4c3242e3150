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

# One that cannot even begin: there is no run, and a file that is no trace stays as it is.
before=$(ls adze-runs)
echo "dear diary" > diary.txt
pipeline diary.txt > none.toml
must_fail "diary.txt is there already, and is no trace" "$ADZE" run none.toml
[ "$(cat diary.txt)" = "dear diary" ] || complain "a file that is no trace should be left alone"
pipeline "$PWD/no/such/folder/x" > none.toml
must_fail "there is no folder $PWD/no/such/folder/" "$ADZE" run none.toml
[ "$(ls adze-runs)" = "$before" ] || complain "a run that does not begin should leave nothing"

# A named pipe would hold the run up until somebody reads it, and there may be nobody.
mkfifo pipe
pipeline pipe > pipe.toml
for verb in check plan run; do
  must_fail "pipe.toml:8:8: parameter 'path': $PWD/pipe is a named pipe, and a file is needed" \
    timeout -k 1 20 "$ADZE" "$verb" pipe.toml
done
# A pipe without a name has a reader.
pipeline /dev/stdout > stdout.toml
"$ADZE" run stdout.toml --fresh 2> /dev/null | grep -qF '"run.finished"' \
  || complain "a trace should go through standard output"

# It never writes to what is read or written otherwise, whatever leads there: said where it stands.
ln -s model.safetensors link
mkdir below
pipeline ../link > below/p.toml
sha256sum model.safetensors > before
for verb in check plan run; do
  must_fail "below/p.toml:8:8: this would be written over [model]" "$ADZE" "$verb" below/p.toml
done
sha256sum -c --quiet before || complain "the model should be as it was"
pipeline self.toml > self.toml
must_fail "self.toml:8:8: this would be written over the pipeline itself" "$ADZE" check self.toml
pipeline out.safetensors > out.toml
printf '[[output]]\npath = "./out.safetensors"\n' >> out.toml
must_fail "out.toml:8:8: the output in line 11 has the same path" "$ADZE" check out.toml
# Only the plan knows what a model has beside its first file, and a run where runs are kept.
must "$ADZE" convert model.safetensors in.safetensors.index.json --set shard-size=300
shard=$(echo in-00001-of-*.safetensors)
pipeline "$shard" | sed 's/model.safetensors/in.safetensors.index.json/' > shard.toml
must_fail "$shard would be written over a file that is read" \
  "$ADZE" plan shard.toml
mkdir elsewhere
pipeline elsewhere/trace.log > runs.toml
must_fail "runs.toml:8:8: " "$ADZE" run runs.toml --runs elsewhere

# A relative path is relative to the pipeline, as that of an output is.
pipeline own.log | sed 's|^path = ".*model|path = "../model|' > below/own.toml
must "$ADZE" run below/own.toml
grep -qF '"run.finished"' below/own.log || complain "the trace should be beside its pipeline"
finish

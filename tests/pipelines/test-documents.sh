#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# With --json standard output is one document, whatever plugins in the same process print: what they
# say goes to standard error. A standard output that cannot be written to is an error all the same.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
plugins talker
model model.safetensors 2 8 8
cat > p.toml << 'END'
adze = 1
name = "p"
[model]
path = "model.safetensors"
[[stage]]
use = "talker"
[[output]]
path = "out.safetensors"
END

for isolated in false true; do
  for verb in plan "run --fresh" "run --explain"; do
    # shellcheck disable=SC2086
    "$ADZE" $verb p.toml --json --set stage.talker.isolate=$isolated > out 2> said \
      || complain "$verb ended with $?"
    "$TOP_BUILDDIR/tests/cli/json-peer" < out > why 2>&1 \
      || complain "$verb, isolate = $isolated: standard output is no document: $(cat why out)"
    grep -q "I am talking" said || complain "$verb: what the plugin printed is lost"
  done
done

# Without --json it prints where it likes.
"$ADZE" run p.toml --fresh > out 2> said || complain "run ended with $?"
grep -q "I am talking" out || complain "what the plugin printed is not on standard output"

"$ADZE" plan p.toml --json >&- 2> said
status=$?
[ $status -eq 4 ] || complain "with standard output closed it ended with $status"
grep -q "cannot write to standard output" said || complain "and did not say why"
finish

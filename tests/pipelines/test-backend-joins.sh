#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backend of somebody else's, built with the SDK's headers alone, joins a pipeline by one word, with nothing
# rebuilt: training and computing on it (its memory is its own) give the bytes of ref.
. "$(dirname "$0")/runs-lib.sh"
plugins reckon
model model.safetensors 2 4 4

cat > p.toml << 'END'
adze = 1
name = "joins"
[model]
path = "model.safetensors"
[run]
backend = "ref"
[[stage]]
use = "reckon"
[[output]]
from = "reckon.report"
path = "scores.txt"
END
sed 's/backend = "ref"/backend = "moon"/' p.toml > moon.toml

must_fail "there is no backend 'moon'" "$ADZE" check moon.toml
must "$ADZE" run p.toml
must "$ADZE" runs show last
grep -q 'delegated *0' must.out || complain "ref leaves nothing to others: $(cat must.out)"
mv scores.txt ref.txt
[ "$(sort -u ref.txt | wc -l)" -gt 4 ] || complain "what ref gives says nothing: $(cat ref.txt)"

# From here on it is there.
plugins moon
must "$ADZE" run moon.toml
must "$ADZE" runs show last
grep -q 'delegated *1' must.out || complain "tanh should be left to ref: $(cat must.out)"
cmp ref.txt scores.txt || complain "the moon gives other bytes than ref"
rm scores.txt
must "$ADZE" run p.toml --backend moon --fresh
cmp ref.txt scores.txt || complain "--backend moon gives other bytes than ref"

# Whoever wants nothing but it is told by name what it does not do, and takes nothing that ref had a part
# in from a run before. To whom that is all the same, it is the same result.
must "$ADZE" run moon.toml
must "$ADZE" run moon.toml --set run.delegate=warn
cached true
must "$ADZE" run moon.toml --set run.delegate=error --explain
grep -qF "stage reckon: delegate was not given, is error" must.out \
  || complain "--explain does not say why: $(cat must.out)"
must_fail "is not done by the backend 'moon', and delegation to 'ref' is refused" \
  "$ADZE" run moon.toml --set run.delegate=error
must "$ADZE" run p.toml
must "$ADZE" run p.toml --set run.delegate=error
cached true
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A second run of a pipeline while the first is under way: refused in the same folder of runs, and in
# another one, which the refusal advises, both end well.
. "$(dirname "$0")/runs-lib.sh"
plugins slow
model model.safetensors 4 400 1000
waiting_pipeline > p.toml

# begin RUNS: a run in the background that has made the file which it writes into; then it waits.
begin ()
{
  "$ADZE" run p.toml --runs "$1" > "$1.out" 2>&1 &
  has_begun "$1"
  for _ in $(seq 3000); do [ -s "$1/0001-p/parts.jsonl" ] && break; sleep .01; done
  [ -s "$1/0001-p/parts.jsonl" ] || complain "the run in $1 did not begin"
}

begin one
first=$!
must_fail "one run at a time" "$ADZE" run p.toml --runs one
grep -q "name another folder with --runs" must.out || complain "and what to do is not said"
begin two
second=$!
[ "$(find . -maxdepth 1 -name '.out.safetensors.*.part' | wc -l)" = 2 ] \
  || complain "each run should have a file of its own: $(ls -A)"
touch after
wait "$first" || complain "the first run failed: $(cat one.out)"
wait "$second" || complain "the second run failed: $(cat two.out)"
must "$ADZE" show out.safetensors
[ -z "$(find . -maxdepth 1 -name '.out.safetensors.*')" ] || complain "something was left: $(ls -A)"
finish

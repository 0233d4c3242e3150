#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze plugin check: the report of it. What the kit looks for has tests of its own.
. "$(dirname "$0")/lib.sh"

need_sample
sample=plugins/sample.so

# The second technique always fails, so that the report has cases that do.
expect 1 "$ADZE" plugin check $sample --rounds 2
[ "$(head -n 1 out)" = "TAP version 13" ] || fail "it should begin with the version of TAP"
cases=$(grep -cE '^(not )?ok [0-9]+ - ' out)
[ "$cases" -gt 0 ] || fail "there should be cases"
[ "$(sed -n 2p out)" = "1..$cases" ] || fail "the plan should count the cases: 1..$cases"
grep -qE '^not ok ' out || fail "a case should fail"
name=$(sed -n 's/^ok 1 - \(.*\)/\1/p;s/^not ok 1 - \(.*\)/\1/p' out | sed 's/ # SKIP.*//')

expect 1 "$ADZE" plugin check $sample --rounds 2 --json
json_is "$cases" cases
json_is "$name" cases 0 name
json_is $sample file

"$ADZE" plugin check $sample --only "$name" --rounds 2 > out 2> err
ran="adze plugin check --only $name"
[ "$(grep -cE '^(not )?ok ' out)" -lt "$cases" ] || fail "--only should leave cases out"

# Checking nothing is no success.
expect 2 "$ADZE" plugin check $sample --only no-case-has-this-name
err_has "no case has 'no-case-has-this-name' in its name"
out_lacks "ok"
expect 2 "$ADZE" plugin check $sample --only no-case-has-this-name --json
json_is param error status
expect 1 "$ADZE" plugin check no-such-file.so

# Its folders lie where temporary files belong; a path that is not absolute says nothing.
expect 1 env TMPDIR="$work/nowhere" "$ADZE" plugin check $sample --only "$name"
err_has "cannot make a folder in $work/nowhere,"
expect 0 env TMPDIR=nowhere "$ADZE" plugin check $sample --only "$name"
mkdir elsewhere
expect 0 env TMPDIR="$work/elsewhere" "$ADZE" plugin check $sample --only "$name"
[ -z "$(ls elsewhere)" ] || fail "nothing should be left behind: $(ls elsewhere)"
done_

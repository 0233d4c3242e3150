#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every verb explains itself, and its --help and its manual page name the same options.
. "$(dirname "$0")/lib.sh"

options_of_help () { sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p' out | sort -u; }

# Only entries under OPTIONS count; the text may speak of other programs' options.
options_of_page ()
{
  sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$1" \
    | grep -A1 '^\.TP' | grep -v '^\.TP' | grep -o '\\-\\-[a-z\\-]*' | sed 's/\\//g' | sort -u
}

pages="$root/docs/man"
options_of_page "$pages/adze.1" > common

expect 0 "$ADZE" --help
err_empty
out_has "Usage: adze"
grep -q '^  phase  *build bundles of models' out || fail "adze --help should name phase"
options_of_help > named
cmp -s common named || fail "adze --help and adze.1 differ: $(diff common named)"

for verb in $("$ADZE" --words | grep -v '^-'); do
  grep -qF "adze\\-$verb" "$pages/adze.1" || fail "adze.1 should name adze-$verb(1)"
done
for group in plugin runs backend; do
  for verb in $("$ADZE" $group --words | grep -v '^-'); do
    grep -qF "adze\\-$group\\-$verb" "$pages/adze-$group.1" \
      || fail "adze-$group.1 should name adze-$group-$verb(1)"
  done
done

all_verbs > verbs
[ "$(wc -l < verbs)" -ge 11 ] || fail "there should be at least 11 verbs"
while read -r verb; do
  # shellcheck disable=SC2086
  expect 0 "$ADZE" $verb --help
  err_empty
  out_has "Usage: adze $verb "
  page="$pages/adze-$(echo "$verb" | tr ' ' -).1"
  [ -f "$page" ] || { fail "there should be a manual page $page"; continue; }
  options_of_page "$page" > own
  sort -u common own > wanted
  options_of_help > named
  cmp -s wanted named || fail "adze $verb --help and its manual page differ: $(diff wanted named)"
  # Narrow enough to be read.
  awk 'length > 80 { exit 1 }' out || fail "lines should have at most 80 columns"
done < verbs

expect 0 "$ADZE" plugin --help
out_has "doctor"
out_lacks "inspect"
expect 0 "$ADZE" runs --help
out_has "man adze-runs-VERB"
expect 2 "$ADZE"
err_has "which verb?"
out_empty
expect 2 "$ADZE" plugin
err_has "which verb?"

expect 0 "$ADZE" --version
out_has "adze "
out_has "plugin ABI"
expect 0 "$ADZE" list --version --json
json_valid
done_

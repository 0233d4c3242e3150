#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A damaged cache is made anew in silence; --verbose says which file, line and column, and why.
# Each folder of plugins has a file of its own; here two are damaged, and both are told.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
cd "$TMPDIR"

fail ()
{
  echo "$*" >&2
  exit 1
}

damage ()
{
  for file in $files; do
    printf '{"format": 2,\n "entries": [}' > "$file"
  done
}

mkdir one two
for folder in one two; do
  printf '\177ELF\n' > $folder/$folder.so
done
list=(list --plugin-path one --plugin-path two)
"$ADZE" "${list[@]}" > sound 2> sound-err
files=$(grep -lE '(one|two)/"' "$XDG_CACHE_HOME"/adze/registry/*.json)
[ "$(wc -w <<< "$files")" = 2 ] || fail "there are no two files of a cache: $files"
damage
"$ADZE" "${list[@]}" > out 2> err
cmp sound out
cmp sound-err err || fail "not in silence: $(cat err)"
damage
"$ADZE" --verbose "${list[@]}" > out 2> err
cmp sound out
for file in $files; do
  grep -qF -e "$file:2:" err || fail "the place is not told: $(cat err)"
done
"$ADZE" --verbose "${list[@]}" > out 2> err
! grep -q damaged err || fail "it was not made anew: $(cat err)"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A damaged cache is made anew in silence; --verbose says which file, line and column, and why.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
cd "$TMPDIR"
cache=$XDG_CACHE_HOME/adze/registry.json

fail ()
{
  echo "$*" >&2
  exit 1
}

"$ADZE" list > sound
[ -f "$cache" ] || fail "there is no cache at $cache"
printf '{"format": 1,\n "entries": [}' > "$cache"
"$ADZE" list > out 2> err
cmp sound out
[ ! -s err ] || fail "not in silence: $(cat err)"
printf '{"format": 1,\n "entries": [}' > "$cache"
"$ADZE" --verbose list > out 2> err
cmp sound out
grep -qF -e "$cache:2:" err || fail "the place is not told: $(cat err)"
"$ADZE" --verbose list > out 2> err
! grep -q damaged err || fail "it was not made anew: $(cat err)"

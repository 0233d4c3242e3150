#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libadze exports the functions of adze/host.h and nothing else; both are those of symbols.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
header=$here/../../core/include/adze/host.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# differ A B NAME-A NAME-B TEXT: TEXT is said when the two lists are not the same.
differ ()
{
  diff -u --label "$3" --label "$4" "$1" "$2" && return
  echo "$5"
  failed=1
}

awk '/^ADZE_API / {
  if (match ($0, /adze_[a-z0-9_]+ \(/))
    print substr ($0, RSTART, RLENGTH - 2)
  else
    print "a declaration that is not understood: " $0
}' "$header" | LC_ALL=C sort > "$work/declared"
differ "$here/symbols.txt" "$work/declared" symbols.txt adze/host.h \
  "A function that came: add it to tests/abi/symbols.txt. One that went: programs need it; keep it,
or raise the first number of -version-info in core/core.am."

library=${TOP_BUILDDIR:-.}/core/.libs/libadze.so
if [ -f "$library" ]; then
  nm -D --defined-only "$library" | awk '{ sub (/@.*/, "", $3); print $3 }' | LC_ALL=C sort \
    > "$work/exported"
  differ "$here/symbols.txt" "$work/exported" symbols.txt libadze.so \
    "What the library exports and adze/host.h does not declare becomes a promise that nobody made:
give it hidden visibility. What it lacks is not compiled in, or not marked with ADZE_API."
elif [ "${ADZE_SHARED-no}" = yes ]; then
  echo "there is no libadze.so below ${TOP_BUILDDIR:-.}/core, and this build should have one"
  failed=1
else
  echo "exported symbols: not applicable: this build has no shared libadze"
fi
exit $failed

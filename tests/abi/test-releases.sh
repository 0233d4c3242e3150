#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plugins that releases left behind (keep-release.sh) still load and work, in this process and in a
# worker. Only a plugin whose draft kind has changed since may be refused, and must be told so.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
machine=$(sh "$here/layout.sh" machine)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache"
ADZE=${ADZE:-adze}
failed=0
count=0

complain ()
{
  printf '%s\n' "$@"
  sed 's/^/  /' "$work/out" "$work/err"
  failed=1
}

major_of ()
{
  sed -n 's/^abi.h ADZE_ABI_MAJOR = //p' "$1/contract.txt"
}

revision_of ()
{
  sed -n 's/.* ADZE_TECHNIQUE_REVISION = //p' "$1/contract.txt"
}

try ()
{
  "$ADZE" plugin try "$@" --component abi-probe --data 1,2,3 > "$work/out" 2> "$work/err"
}

# refused TEXT FILE: it is, for that reason.
refused ()
{
  if try "$2"; then
    complain "$2: it should be refused: $1"
  else
    grep -qF -e "$1" "$work/err" || complain "$2: it should be refused: $1"
  fi
}

works ()
{
  local how
  for how in --in-process --isolate; do
    if ! try "$1" $how; then
      complain "$1 $how: it no longer works"
    elif [ "$(cat "$work/out")" != "2 4 6" ]; then
      complain "$1 $how: it should say 2 4 6"
    fi
  done
  "$ADZE" plugin check "$1" > "$work/out" 2> "$work/err" \
    || complain "$1: it no longer passes the kit"
}

for file in "$here"/data/*/"$machine"/*.so; do
  [ -e "$file" ] || continue
  count=$((count + 1))
  folder=$(dirname "$(dirname "$file")")
  # Where it lies there could be a manifest of another release beside it.
  cp "$file" "$work/${file##*/}"
  echo "release ${folder##*/}: ${file##*/}"
  if [ "$(major_of "$folder")" != "$(major_of "$here")" ]; then
    refused 'step: abi' "$work/${file##*/}"
  elif [ "$(revision_of "$folder")" != "$(revision_of "$here")" ]; then
    refused "revision $(revision_of "$folder") of the kind 'technique'" "$work/${file##*/}"
  else
    works "$work/${file##*/}"
  fi
done
[ $count -gt 0 ] || echo "not applicable: no release yet"
exit $failed

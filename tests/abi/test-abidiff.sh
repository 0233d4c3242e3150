#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that were linked to the libadze of a release still work with this one: abidiff (Debian:
# abigail-tools) compares what the library exports with what keep-release.sh wrote down.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
machine=$(sh "$here/layout.sh" machine)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

shopt -s nullglob
baselines=("$here"/data/*/"$machine"/libadze.abi)
[ ${#baselines[@]} -gt 0 ] || {
  echo "not applicable: no release yet"
  exit 0
}
library=${TOP_BUILDDIR:-.}/core/.libs/libadze.so
[ -f "$library" ] || {
  echo "not applicable: this build has no shared libadze"
  exit 0
}
[ "${ADZE_SANITIZERS-none}" = none ] || {
  echo "not applicable: a library with sanitizers is another one"
  exit 0
}
command -v abidiff > "$work/where" || {
  echo "skipped: there is no abidiff; on Debian: apt install abigail-tools"
  exit 77
}

# Another name in the library's file is how a new contract with programs is begun.
soname ()
{
  sed -n "s/.*soname='\([^']*\)'.*/\1/p" "$1" | head -n 1
}
abidw --no-corpus-path --out-file "$work/now.abi" "$library"

for baseline in "${baselines[@]}"; do
  if [ "$(soname "$baseline")" != "$(soname "$work/now.abi")" ]; then
    echo "${baseline#"$here"/}: not applicable: $(soname "$work/now.abi") has come since"
    continue
  fi
  options=(--no-added-syms --headers-dir2 "$root/core/include" --headers-dir2 "$root/sdk/include")
  # Changes that were looked at and found harmless, such as options that grew at their end.
  [ ! -f "$here/data/abidiff.suppr" ] || options+=(--suppressions "$here/data/abidiff.suppr")
  abidiff "${options[@]}" "$baseline" "$library" || {
    echo "${baseline#"$here"/}: see above. Undo it; or, where it does no harm, say so in
tests/abi/data/abidiff.suppr; or raise the first number of -version-info in core/core.am."
    failed=1
  }
done
exit $failed

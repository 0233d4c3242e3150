#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# keep-release.sh BUILD [FOLDER]: leaves what this release promised for all later ones to be held
# against, in FOLDER/VERSION (tests/abi/data/VERSION): the tables of the SDK, a plugin that was
# built with it, and what libadze exports. Run it once for each machine, in the tree that is
# released, after `make` in the folder BUILD.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
machine=$(sh "$here/layout.sh" machine)
version=$(sed -n 's/^VERSION = //p' "$build/Makefile")
[ -n "$version" ] || {
  echo "keep-release.sh: $build/Makefile has no VERSION; is it a build of adze?" >&2
  exit 1
}
folder=${2:-$here/data}/$version
mkdir -p "$folder/$machine"

# The tables must be today's, for they are what was tested.
for table in contract.txt "layout-$machine.txt"; do
  [ ! -f "$here/$table" ] || cp "$here/$table" "$folder"
done

${CC:-cc} -std=gnu11 -O2 -s -shared -fPIC -fvisibility=hidden -Wl,-z,defs -Wl,-z,now \
  -I"$root/sdk/include" -o "$folder/$machine/abi-sample.so" "$here/plugin.c"

library=$build/core/.libs/libadze.so
[ -f "$library" ] || {
  echo "keep-release.sh: $build has no libadze.so; configure it without --disable-shared" >&2
  exit 1
}
abidw --no-corpus-path --exported-interfaces-only --headers-dir "$root/core/include" \
  --headers-dir "$root/sdk/include" --out-file "$folder/$machine/libadze.abi" "$library"

echo "kept in $folder:"
find "$folder" -type f
echo "*.so is ignored by git: add it with git add -f"

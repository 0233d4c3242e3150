#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plugin of today in the host of tomorrow: core is compiled once more, against the headers of a
# later SDK in which every table has grown, and loads plugins that were built with today's, or with
# a release's. So a member that is appended to these headers one day will break nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# What the build was configured with.
variable ()
{
  sed -n "s/^$1 = *//p" "$TOP_BUILDDIR/Makefile"
}
archive=$TOP_BUILDDIR/core/.libs/libadzecore.a
[ -f "$archive" ] || archive=$TOP_BUILDDIR/core/libadzecore.a
minor=$(sed -n 's/^#define ADZE_ABI_MINOR //p' "$root/sdk/include/adze/abi.h")
read -ra flags <<< "-std=gnu11 -O0 -g $(variable CPPFLAGS) $(variable SANITIZER_FLAGS)"
read -ra libraries <<< "$(variable SANITIZER_FLAGS) $(variable LDFLAGS) $(variable CORE_LIBS)"

# base does not see the tables that grow, and is taken as it was built.
build_host ()
{
  local source object
  sh "$here/later-sdk.sh" "$work/sdk" minor
  mkdir "$work/objects"
  for source in $(cd "$root" && find core/plugin core/stage -name '*.c') tests/abi/later-host.c; do
    object=$work/objects/$(echo "$source" | tr / -).o
    ${CC:-cc} "${flags[@]}" -w -DADZE_VERSION='"later"' -DADZE_PLUGIN_DIR='"/nowhere"' \
      -DADZE_SYSCONF_DIR='"/nowhere"' -DADZE_WORKER_PATH='"/nowhere"' \
      -I"$root/core" -I"$root/core/include" -I"$work/sdk" -c "$root/$source" -o "$object"
  done
  ${CXX:-c++} -o "$work/host" "$work"/objects/*.o "$archive" "${libraries[@]}"
}

build_plugin ()
{
  local name=$1
  shift
  ${CC:-cc} -std=gnu11 -shared -fPIC -fvisibility=hidden "$@" -o "$work/$name.so" "$here/plugin.c"
}

# expect WORDS FILE [SETTING]: the host prints them.
expect ()
{
  local wanted=$1 found
  shift
  found=$("$work/host" "$@" 2> "$work/err") || :
  [ "$found" = "$wanted" ] && return
  echo "${1##*/} in a later host, ${2-}: it should say '$wanted', and says '$found'"
  sed 's/^/  /' "$work/err"
  failed=1
}

works ()
{
  expect "2 4 6" "$1"
  expect "6 12 18" "$1" times=3
}

build_host
build_plugin today -I"$root/sdk/include"
build_plugin tomorrow -I"$work/sdk" -DLATER="$minor" -DADZE_API_VERSION=$((minor + 1))
works "$work/today.so"
works "$work/tomorrow.so"
# The host's minor; then whether it has: allocate, the later member, a later service's member,
# random numbers; and the sum of a loop.
expect "$((minor + 1)) 1 0 0 1 1013" "$work/today.so" report=true
expect "$((minor + 1)) 1 0 1 1 1013" "$work/tomorrow.so" report=true

# A plugin of a release whose draft has changed since is another matter: see test-releases.sh.
revision=$(sed -n 's/.* ADZE_TECHNIQUE_REVISION = //p' "$here/contract.txt")
for file in "$here"/data/*/"$(sh "$here/layout.sh" machine)"/*.so; do
  [ -e "$file" ] || continue
  release=$(dirname "$(dirname "$file")")
  grep -q " ADZE_TECHNIQUE_REVISION = $revision\$" "$release/contract.txt" || continue
  works "$file"
done
exit $failed

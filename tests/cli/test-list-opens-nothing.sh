#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# With 200 plugins in a folder, `adze list` opens none of their shared objects: with no cache yet,
# with one, and in no process that it starts.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
command -v strace > /dev/null || { echo "SKIP: strace is not here"; exit 77; }
[ "$ADZE_SANITIZERS" = none ] || { echo "strace and leak checking exclude each other"; exit 0; }
cd "$TMPDIR"

fail ()
{
  echo "$*" >&2
  exit 1
}

mkdir plugins
$CC -std=gnu11 -shared -fPIC -fvisibility=hidden -DPLUGIN_ID='"plugin-000"' \
  -I"$TOP_SRCDIR/sdk/include" -o one.so "$TOP_SRCDIR/tests/plugins/broken.c"
"$ADZE" plugin stamp one.so > /dev/null
for i in $(seq 100 299); do
  LC_ALL=C sed "s/plugin-000/plugin-$i/g" one.so > "plugins/plugin-$i.so"
  sed -e "s/plugin-000/plugin-$i/g" -e "s/one\.so/plugin-$i.so/" -e '/^digest/d' one.toml \
    > "plugins/plugin-$i.toml"
done

for cache in none some; do
  strace -f -e trace=open,openat,openat2,execve -o "trace-$cache" \
    "$ADZE" list --plugin-path plugins > "list-$cache"
  [ "$(grep -c plugin- "list-$cache")" -eq 200 ] || fail "not 200 plugins: $(cat "list-$cache")"
  ! grep -E 'plugin-[0-9]+\.so' "trace-$cache" || fail "a plugin was opened (cache: $cache)"
  ! grep adze-worker "trace-$cache" || fail "a worker was started (cache: $cache)"
done
cmp list-none list-some
# A manifest that the cache knows is not opened either.
! grep -E 'plugin-[0-9]+\.toml' trace-some || fail "a manifest was opened although it is known"
# And the trace sees what there is to see.
grep -q 'plugin-100\.toml' trace-none || fail "the trace is blind"

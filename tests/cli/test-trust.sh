#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where signatures are required, nothing of an unsigned file runs: not to list it, not in a worker,
# not for the tools that take any file. A file whose path cannot be told to others is refused for
# that.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
cd "$TMPDIR"
mkdir -p folder "$XDG_CONFIG_HOME/adze/keys"

fail ()
{
  echo "$*" >&2
  exit 1
}

cat > mark.c <<END
#include <stdio.h>
__attribute__ ((constructor)) static void
mark (void)
{
  FILE *file = fopen ("$TMPDIR/marked", "a");
  if (file)
    fclose (file);
}
END
$CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
  -o folder/broken.so "$TOP_SRCDIR/tests/plugins/broken.c" mark.c

# Without the requirement it runs, in a worker: the test can see it.
"$ADZE" list --plugin-path folder > /dev/null
[ -f marked ] || fail "the mark does not work"
rm -rf marked "$XDG_CACHE_HOME"

echo 'require-signed = true' > "$XDG_CONFIG_HOME/adze/config.toml"
refuse ()
{
  if "$ADZE" "$@" > out 2>&1; then
    fail "adze $* takes it: $(cat out)"
  fi
  grep -q 'step: signature' out || fail "adze $* gives another reason: $(cat out)"
  [ ! -f marked ] || fail "adze $* ran code of an unsigned file"
}
"$ADZE" list --plugin-path folder > out 2>&1 || :
[ ! -f marked ] || fail "adze list ran code of an unsigned file"
"$ADZE" plugin rescan --plugin-path folder > out 2>&1 || :
[ ! -f marked ] || fail "adze plugin rescan ran code of an unsigned file"
refuse plugin try broken --plugin-path folder --data 1
refuse plugin try folder/broken.so --data 1
refuse plugin dump folder/broken.so
refuse plugin check folder/broken.so

# Whoever stamps it vouches for it, and then it is taken; until it changes.
"$ADZE" plugin key key > /dev/null
cp key.pub "$XDG_CONFIG_HOME/adze/keys"
"$ADZE" plugin stamp --key key folder/broken.so > /dev/null
rm -f marked
"$ADZE" plugin dump folder/broken.so > /dev/null || fail "signed, and not dumped"
[ "$("$ADZE" plugin try folder/broken.so --data 1)" = 0 ] || fail "signed, and not run"
printf x >> folder/broken.so
rm -f marked
for verb in dump check; do
  ! "$ADZE" plugin $verb folder/broken.so > out 2>&1 || fail "$verb takes a changed file"
  grep -q 'step: digest' out || fail "$verb: $(cat out)"
done
[ ! -f marked ] || fail "code of a changed file ran"

# What a plugin has beside it is written by stamping alone, so that it always has a digest.
rm "$XDG_CONFIG_HOME/adze/config.toml"
"$ADZE" plugin dump --manifest folder/broken.so > bare.toml
mkdir bare
cp folder/broken.so bare/
cp bare.toml bare/broken.toml
cp "$TOP_SRCDIR/plugin-manifests/foreign/libm.toml" foreign.toml
"$ADZE" plugin stamp --key key foreign.toml > /dev/null
! "$ADZE" plugin stamp --key key bare/broken.toml > out 2>&1 || fail "a plugin's manifest was signed"

# Names.
mkdir names
cp folder/broken.so "names/$(printf 'bad\377').so"
"$ADZE" plugin list --failed --plugin-path names > out 2>&1 || :
grep -q 'not UTF-8' out || fail "a name that is not UTF-8: $(cat out)"

# What the cache remembers of another manifest of the same size and time is not believed.
echo 'require-signed = true' > "$XDG_CONFIG_HOME/adze/config.toml"
mkdir swap
$CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
  -o swap/broken.so "$TOP_SRCDIR/tests/plugins/broken.c"
"$ADZE" plugin stamp --key key swap/broken.so > /dev/null
cp swap/broken.toml genuine.toml
$CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
  -o swap/broken.so "$TOP_SRCDIR/tests/plugins/broken.c" mark.c
"$ADZE" plugin stamp swap/broken.so > /dev/null
while [ "$(wc -c < swap/broken.toml)" -lt "$(wc -c < genuine.toml)" ]; do
  printf '#' >> swap/broken.toml
done
touch -d 2026-01-01 swap/broken.toml
rm -f marked
! "$ADZE" plugin try broken --plugin-path swap --data 1 > out 2>&1 || fail "unsigned, and run"
cat genuine.toml > swap/broken.toml
touch -d 2026-01-01 swap/broken.toml
! "$ADZE" plugin try broken --plugin-path swap --data 1 > out 2>&1 || fail "swapped, and run"
grep -q 'step: digest' out || grep -q 'digest' out || fail "swapped: $(cat out)"
[ ! -f marked ] || fail "code of a swapped file ran"

# Nor is a signature where others can put another file in the place of the one it is about.
"$ADZE" plugin stamp --key key swap/broken.so > /dev/null
"$ADZE" plugin try broken --plugin-path swap --data 1 > /dev/null || fail "signed, and not run"
for place in swap swap/broken.so swap/broken.toml; do
  mode=$(stat -c %a $place)
  chmod o+w $place
  ! "$ADZE" plugin try broken --plugin-path swap --data 1 > out 2>&1 || fail "$place is anybody's"
  grep -q 'others can change' out || fail "$place: $(cat out)"
  chmod "$mode" $place
done

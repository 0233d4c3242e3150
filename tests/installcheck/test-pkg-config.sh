#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What adze.pc and adze-sdk.pc say is true of what was installed, and suffices to compile with.
set -eu
cd "$TMPDIR"

fail ()
{
  echo "$*" >&2
  exit 1
}

for name in adze adze-sdk; do
  pkg-config --exists --print-errors "$name"
done
[ -n "$(ls "$(pkg-config --variable=templatedir adze-sdk)")" ] || fail "no template"
if [ "$ADZE_SHARED" = yes ]; then
  ls "$(pkg-config --variable=plugindir adze-sdk)"/*.toml > /dev/null
  [ -x "$(pkg-config --variable=worker adze)" ] || fail "no worker"
fi
# A prefix that is given instead reaches every folder: plugins are installed for one user so.
[ "$(pkg-config --define-variable=prefix=/elsewhere --variable=plugindir adze-sdk)" \
  != "$(pkg-config --variable=plugindir adze-sdk)" ] || fail "plugindir does not follow prefix"

echo '#include <adze/sdk.h>' > plugin.c
$CC $(pkg-config --cflags adze-sdk) -std=c11 -fsyntax-only plugin.c

cat > host.c <<'END'
#include <adze/host.h>
#include <stdio.h>
int main (void) { return puts (adze_version ()) < 0; }
END
static=
flags=
[ "$ADZE_SHARED" = yes ] || static=--static
[ "$ADZE_SANITIZERS" = none ] || flags=-fsanitize=$ADZE_SANITIZERS
$CC $flags host.c $(pkg-config $static --cflags --libs adze) \
  -Wl,-rpath,"$(pkg-config --variable=libdir adze)" -o host
[ "$(./host)" = "$(pkg-config --modversion adze)" ] || fail "another libadze than adze.pc says"

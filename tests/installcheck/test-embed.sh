#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The embedding example, built against what was installed and run.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build has no plugin files to embed"; exit 0; }
cd "$TMPDIR"
example=$TOP_SRCDIR/docs/examples/embed.c
[ "$(wc -l < "$example")" -lt 60 ]
flags=
[ "$ADZE_SANITIZERS" = none ] || flags=-fsanitize=$ADZE_SANITIZERS
$CC -std=c11 -Wall -Wextra -Werror $flags "$example" $(pkg-config --cflags --libs adze) \
  -Wl,-rpath,"$(pkg-config --variable=libdir adze)" -o embed
./embed > out
cat out
grep -qx -e '-0.761594 0.000000 0.761594' out
grep -qx 'event plugin.loaded' out
grep -qx 'event call.finished' out

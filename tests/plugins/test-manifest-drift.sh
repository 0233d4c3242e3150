#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plugin-manifests/ says what the built plugins say. A program with its plugins inside has no files
# to ask; there, what the manifests name must be in it.
set -eu
failed=0

complain ()
{
  echo "$*; \`make update-manifests\` writes it anew" >&2
  failed=1
}

# among WORDS NAME
among ()
{
  case " $1 " in *" $2 "*) return 0 ;; *) return 1 ;; esac
}

compare ()
{
  local file name golden
  for file in "$TOP_BUILDDIR"/plugins/.libs/*.so; do
    name=$(basename "$file" .so)
    golden=$TOP_SRCDIR/plugin-manifests/$name.toml
    "$ADZE" plugin dump --manifest "$file" > "$TMPDIR/$name.toml"
    diff -u "$golden" "$TMPDIR/$name.toml" || complain "$golden differs from the plugin"
  done
  for golden in "$TOP_SRCDIR"/plugin-manifests/*.toml; do
    name=$(basename "$golden" .toml)
    [ -f "$TMPDIR/$name.toml" ] || among "${ADZE_MISSING_PLUGINS-}" "$name" \
      || complain "$golden has no plugin"
  done
}

find_inside ()
{
  local golden id
  for golden in "$TOP_SRCDIR"/plugin-manifests/*.toml; do
    among "${ADZE_MISSING_PLUGINS-} ${ADZE_SHARED_PLUGINS-}" "$(basename "$golden" .toml)" && continue
    for id in $("$TOP_SRCDIR/build-aux/component-ids" "$golden"); do
      "$1" inspect "$id" > /dev/null || complain "$id of $golden is not in $1"
    done
  done
}

if [ "$ADZE_SHARED" = yes ]; then compare; else find_inside "$ADZE"; fi
[ -z "$ADZE_STATIC" ] || find_inside "$ADZE_STATIC"
exit $failed

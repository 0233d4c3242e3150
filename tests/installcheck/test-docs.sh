#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command in docs/*.md is run, each page in a folder of its own, in the page's order: blocks
# ```sh are commands, and a block ```c NAME (or another language with a name) is a file.
set -u
[ "$ADZE_SHARED" = yes ] || { echo "a static build has no plugin files"; exit 0; }
PATH=$(dirname "$ADZE"):$PATH
export PATH CC
root=$PWD
status=0

# One page -> a script, and its files.
extract ()
{
  awk -v folder="$2" '
    /^```/ && inside { inside = ""; if (target != "") close (target); next }
    /^```sh$/ { inside = "sh"; target = folder "/commands"; next }
    /^```[a-z+]+ [A-Za-z0-9._-]+$/ { inside = "file"; target = folder "/" $2; next }
    /^```/ { inside = "other"; target = ""; next }
    inside == "sh" { print >> target }
    inside == "file" { print > target }
  ' "$1"
}

count=0
for page in "$TOP_SRCDIR"/docs/*.md; do
  name=$(basename "$page" .md)
  folder=$TMPDIR/$name
  mkdir -p "$folder/files"
  extract "$page" "$folder/files"
  [ -f "$folder/files/commands" ] || continue
  mkdir "$folder/work"
  find "$folder/files" -type f ! -name commands -exec cp {} "$folder/work" \;
  # A page may change the folder; its files are wherever it goes.
  if (cd "$folder/work" && DOCS_FILES=$folder/files bash -eux "$folder/files/commands") \
    > "$folder/log" 2>&1; then
    echo "docs/$name.md: $(wc -l < "$folder/files/commands") lines of commands work"
    count=$((count + 1))
  else
    echo "docs/$name.md: a command fails:"
    tail -n 20 "$folder/log"
    status=1
  fi
done
[ $count -gt 0 ] || { echo "no page has commands"; exit 1; }
exit $status

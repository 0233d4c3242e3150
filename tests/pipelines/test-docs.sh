#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every example of docs/pipeline.md passes `adze check`. One that is no whole file gets what it lacks:
# a version, a model, a stage.
. "$(dirname "$0")/lib.sh"
[ "${ADZE_SHARED-}" != no ] || done_

mkdir examples || exit 99
cd examples || exit 99
# Files for the examples to name; nothing looks into them here.
for file in mlp.safetensors teacher.gguf costs.csv flowers.csv; do
  echo "$file" > "$file"
done
awk '
  /^```toml/ { inside = 1; target = sprintf ("%02d.toml", ++count); next }
  /^```/ { inside = 0; next }
  inside { print > target }
' "$root/docs/pipeline.md"
count=0
for file in [0-9]*.toml; do
  count=$((count + 1))
  {
    grep -q '^adze = 1' "$file" || echo 'adze = 1'
    grep -q '^\[model\]' "$file" || printf '[model]\npath = "mlp.safetensors"\n'
    cat "$file"
    grep -Eq '^\[\[(stage|output)\]\]' "$file" || printf '[[stage]]\nuse = "profile"\n'
  } > whole.toml
  # Keys of the file itself must stand in front of all tables.
  expect 0 "$ADZE" check whole.toml
  [ "$status" = 0 ] || cat whole.toml
done
[ "$count" -ge 12 ] || fail "only $count examples were found"
cd "$work" || exit 99
done_

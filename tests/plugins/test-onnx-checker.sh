#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ONNX models go through and are equal in content, and sound for onnx.checker: models made here, those of
# Debian's libonnx-testdata where it is installed, and those of the folder ADZE_ONNX_MODELS.
# Needs Debian's python3-onnx.
set -u
[ "${ADZE_SHARED-}" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }
python=/usr/bin/python3
$python -c 'import onnx' 2> /dev/null || {
  echo "skipped: python3-onnx is not installed"
  exit 77
}
scripts=$TOP_SRCDIR/tests/plugins
convert=$TOP_BUILDDIR/tests/plugins/convert-peer
work=$TMPDIR
mkdir "$work/models"
$python "$scripts/onnx-models.py" make "$work/models" || exit

list=()
while read -r file; do
  list+=("$file")
done < <(find "$work/models" /usr/share/libonnx-testdata/data ${ADZE_ONNX_MODELS:+"$ADZE_ONNX_MODELS"} \
  -name '*.onnx' -size +0 2> /dev/null | sort)
echo "${#list[@]} models"

# through NAME SETTINGS: converts all, each into a folder of its own, and compares.
through ()
{
  local pairs=() folder i=0
  for file in "${list[@]}"; do
    folder=$work/$1/$((i++))
    mkdir -p "$folder"
    pairs+=("$file" "$folder/$(basename "$file")")
  done
  "$convert" onnx "$2" "${pairs[@]}" && $python "$scripts/onnx-models.py" compare "${pairs[@]}" \
    && return
  echo "FAILED: $1 ($2)"
  status=1
}

status=0
through keep ''
through always 'external = "always"'
through never 'external = "never"'

# Untouched, with all numbers in raw_data, float_data or double_data: the same bytes.
cmp "$work/models/branches.onnx" "$(find "$work/keep" -name branches.onnx)" || status=1
cmp "$work/models/everything.onnx" "$(find "$work/keep" -name everything.onnx)" || status=1
# And all outside: what came out is read and written as it is.
first=$(find "$work/always" -name branches.onnx)
mkdir "$work/again"
"$convert" onnx '' "$first" "$work/again/branches.onnx" || status=1
cmp "$first" "$work/again/branches.onnx" && cmp "$first.data" "$work/again/branches.onnx.data" \
  || status=1
exit $status

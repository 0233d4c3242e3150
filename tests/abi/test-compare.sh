#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The judge of changes (compare.sh) says of simulated SDKs what docs/abi.md says of such changes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
machine=$(sh "$here/layout.sh" machine)
failed=0

# describe FOLDER: the tables of the headers in FOLDER/adze.
describe ()
{
  sh "$here/layout.sh" layout "$1/adze" > "$1/layout-$machine.txt"
  sh "$here/layout.sh" contract "$1/adze" > "$1/contract.txt"
}

# expect STATUS FOLDER TEXT...: how the SDK in FOLDER is judged as a successor of today's.
expect ()
{
  local wanted=$1 folder=$2 status=0
  shift 2
  describe "$folder"
  sh "$here/compare.sh" "$work/today" "$folder" "$machine" > "$work/said" || status=$?
  for text; do
    grep -qF -e "$text" "$work/said" || status="$status, without \"$text\""
  done
  [ "$status" = "$wanted" ] && return
  echo "${folder##*/}: the exit status should be $wanted and is $status; it said:"
  cat "$work/said"
  failed=1
}

# vary NAME HEADER EXPRESSION: today's SDK with one change, made with sed.
vary ()
{
  mkdir "$work/$1"
  cp -R "$here/../../sdk/include/adze" "$work/$1/adze"
  chmod -R u+w "$work/$1/adze"
  sed -i "$3" "$work/$1/adze/$2"
  ! cmp -s "$here/../../sdk/include/adze/$2" "$work/$1/adze/$2" || {
    echo "$1: nothing in $2 fits $3"
    exit 1
  }
}

vary today abi.h '$s/$/ /'
describe "$work/today"
for what in minor major draft broken; do
  sh "$here/later-sdk.sh" "$work/$what" $what
done
expect 0 "$work/today"
expect 0 "$work/minor" 'appended: adze_plugin.later_start' 'appended: ADZE_E_LATER = 16'
expect 0 "$work/major" 'another major'
expect 0 "$work/draft"
expect 1 "$work/broken" 'broken: plugin.h: adze_component.id at 16 size 8'

vary no-minor abi.h '$s/$/ /'
cp "$work"/minor/adze/*.h "$work/no-minor/adze"
cp "$work"/minor/adze/draft/*.h "$work/no-minor/adze/draft"
minor=$(sed -n 's/^abi.h ADZE_ABI_MINOR = //p' "$work/today/contract.txt")
sed -i "s/^#define ADZE_ABI_MINOR .*/#define ADZE_ABI_MINOR $minor/" "$work/no-minor/adze/abi.h"
expect 3 "$work/no-minor" 'appended: adze_plugin.later_start'

vary no-revision draft/technique.h 's/^  void (\*destroy) .*//'
expect 1 "$work/no-revision" 'the revision of this draft is still the old one'
vary number status.h 's/ADZE_E_IO = 3/ADZE_E_IO = 33/'
expect 1 "$work/number" 'broken: status.h: ADZE_E_IO = 3'
vary id log.h 's|adze.log/1|adze.log/2|'
expect 1 "$work/id" 'broken: log.h: ADZE_LOG = "adze.log/1"'
vary signature param.h 's/int64_t (\*get_int) /int32_t (*get_int) /'
expect 1 "$work/signature" 'broken: param.h: adze_params_service.get_int'
vary frozen tensor.h 's/^  uint64_t byte_offset;/&\n  uint64_t more;/'
expect 1 "$work/frozen" 'this struct must never change'
vary gone random.h 's/^#define ADZE_RANDOM .*/#define ADZE_RANDOM ADZE_API_VERSION/'
expect 1 "$work/gone" 'broken: random.h'
exit $failed

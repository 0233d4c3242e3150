#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The SDK's structs, numbers and ids are those that were written down in layout-MACHINE.txt and
# contract.txt; they agree with what every release promised; and each can grow.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
headers=$here/../../sdk/include/adze
now=$(mktemp -d)
trap 'rm -rf "$now"' EXIT
machine=$(sh "$here/layout.sh" machine)
failed=0

complain ()
{
  printf '%s\n' "$@"
  failed=1
}

# The tables, or what differs in them and what to do about it.
check_table ()
{
  local form=$1 table=$2
  sh "$here/layout.sh" "$form" > "$now/$table"
  diff -u --label "$table, as written down" --label "the headers" "$here/$table" "$now/$table" \
    && return
  complain "" "The SDK is not what $table says."
  different=yes
}

judge_difference ()
{
  local status=0
  sh "$here/compare.sh" "$here" "$now" "$machine" || status=$?
  if [ $status = 1 ]; then
    echo "What is broken above breaks plugins that exist. Undo it; or it is the next major."
  else
    cat <<END
If this is meant: see docs/abi.md, "How to append a member", and write the tables anew:
  sh tests/abi/layout.sh layout > tests/abi/layout-$machine.txt
  sh tests/abi/layout.sh contract > tests/abi/contract.txt
A member that came since the last release needs a minor that no release had.
END
  fi
}

# Every type that a simple search finds must be in the table, whatever layout.sh understands.
check_nothing_is_forgotten ()
{
  local name
  for name in $(grep -rhoE '\b(struct|union) +adze_[a-z0-9_]+' "$headers" \
      | awk '{ print $2 }' | sort -u); do
    grep -q " typedef struct $name $name\$" "$now/contract.txt" \
      || grep -q " struct $name\$" "$now/contract.txt" \
      || complain "$name is in no table: layout.sh does not understand how it is declared"
  done
  for name in $(grep -rhoE '^  ADZE_[A-Z0-9_]+ = ' "$headers" | awk '{ print $1 }'); do
    grep -q " $name = " "$now/contract.txt" || complain "the number $name is in no table"
  done
  if grep -rnE '^typedef (struct|union|enum) *(\{|$)' "$headers"; then
    complain "a type without a name cannot be promised anything; give it one"
  fi
}

# Where the last member does not reach the end, the next one would fill the gap, and the size would
# not say whether it is there.
check_ends ()
{
  awk -v file="$1" '
    / at / { split ($2, name, "."); if ($4 + $6 > end[name[1]]) end[name[1]] = $4 + $6 }
    / at / && $2 ~ /\.struct_size$/ { grows[name[1]] = 1 }
    $3 == "size" { size[$2] = $4; if ($2 ~ /^adze_(param|port)$/) grows[$2] = 1 }
    END {
      for (struct in grows)
        if (end[struct] != size[struct]) {
          print struct " ends " (size[struct] - end[struct]) " bytes behind its last member; " \
            "fill it up with a reserved one, so that the next changes the size"
          bad = 1
        }
      exit bad
    }' "$1" || failed=1
}

check_releases ()
{
  local folder status count=0
  for folder in "$here"/data/*/contract.txt; do
    [ -e "$folder" ] || continue
    folder=${folder%/contract.txt}
    count=$((count + 1))
    status=0
    sh "$here/compare.sh" "$folder" "$now" "$machine" > "$now/said" || status=$?
    case $status in
      0) ;;
      3) cat "$now/said"
         complain "since release ${folder##*/} something was appended; ADZE_ABI_MINOR must grow" ;;
      *) cat "$now/said"
         complain "release ${folder##*/} promised what the headers no longer keep" ;;
    esac
  done
  [ $count -gt 0 ] || echo "releases: not applicable: no release yet"
}

different=
check_table contract contract.txt
if [ -f "$here/layout-$machine.txt" ]; then
  check_table layout "layout-$machine.txt"
  C_FLAGS='-x c++' sh "$here/layout.sh" layout > "$now/c++"
  diff -u --label C --label C++ "$now/layout-$machine.txt" "$now/c++" \
    || complain "C++ sees other structs than C"
else
  echo "sizes and offsets: not applicable on $machine: there is no layout-$machine.txt"
  sh "$here/layout.sh" layout > "$now/layout-$machine.txt"
fi
[ -z "$different" ] || judge_difference
check_nothing_is_forgotten
check_ends "$now/layout-$machine.txt"
check_releases
exit $failed

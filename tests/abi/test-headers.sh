#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each header of the SDK stands alone: it compiles without another before it, twice, as C11 and as
# C++17, with all warnings, and needs nothing but the C library. adze/host.h likewise.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# The headers of C that every implementation with a library has. What else they include is its own
# affair, and so allowed.
standard='assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal
stdalign stdarg stdbool stddef stdint stdio stdlib stdnoreturn string tgmath time uchar wchar
wctype'

complain ()
{
  printf '%s\n' "$@"
  failed=1
}

headers_of ()
{
  (cd "$1" && find adze -name '*.h' | LC_ALL=C sort)
}

# files_of COMPILER... FILE: all that FILE includes, one a line.
files_of ()
{
  "$@" -M | tr -s ' \\' '\n\n' | grep '\.h$\|/c++/' | sort -u
}

# check COMPILER LANGUAGE STANDARD: its name may be several words, such as "ccache gcc".
check ()
{
  local compiler=$1 language=$2 standard_flag=$3 name folder
  local -a command
  read -ra command <<< "$compiler"
  command+=(-x "$language" "$standard_flag" -pedantic -Wall -Wextra -Werror -I"$root/sdk/include")
  for name in $standard; do
    [ "$language" = c++ ] && [[ $name =~ ^(complex|tgmath|stdnoreturn)$ ]] \
      || echo "#include <$name.h>"
  done > "$work/standard.h"
  files_of "${command[@]}" "$work/standard.h" > "$work/allowed"
  for folder in sdk core; do
    for name in $(headers_of "$root/$folder/include"); do
      printf '#include <%s>\n#include <%s>\n' "$name" "$name" > "$work/one.h"
      "${command[@]}" -I"$root/$folder/include" -fsyntax-only "$work/one.h" \
        || complain "$name does not stand alone: ${command[*]}"
      files_of "${command[@]}" -I"$root/$folder/include" "$work/one.h" \
        | grep -v -e "^$root/sdk/include/adze/" -e "^$root/$folder/include/adze/" -e '/one.h$' \
        | comm -23 - "$work/allowed" > "$work/foreign"
      [ ! -s "$work/foreign" ] \
        || complain "$name needs more than the C library: $(tr '\n' ' ' < "$work/foreign")"
    done
  done
}

# sdk.h is everything, and nothing of the SDK needs the runtime's header.
check_whole ()
{
  local name
  for name in $(headers_of "$root/sdk/include"); do
    [ "$name" = adze/sdk.h ] || grep -q "^#include <$name>" "$root/sdk/include/adze/sdk.h" \
      || complain "adze/sdk.h does not include $name"
  done
  if grep -rn 'adze/host\.h>' "$root/sdk/include" | grep include; then
    complain "a header of the SDK includes adze/host.h, which plugins do not have"
  fi
}

check "${CC:-cc}" c -std=c11
check "${CXX:-c++}" c++ -std=c++17
for other in gcc clang; do
  if command -v $other > "$work/where" && [ "$other" != "${CC:-cc}" ]; then
    check $other c -std=c11
    check ${other/gcc/g}++ c++ -std=c++17
  fi
done
check_whole
exit $failed

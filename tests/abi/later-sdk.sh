#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# later-sdk.sh FOLDER minor|major|draft|broken: makes FOLDER/adze, the headers of an SDK that could
# come after this one.
#   minor   everything that may grow has grown, as docs/abi.md tells how
#   major   the next major: behind its head, the descriptor is another one
#   draft   a draft kind has changed, and says so by its revision
#   broken  what must never be done: a member inserted, and nothing said
set -eu
folder=$1
what=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cp -R "$here/../../sdk/include/adze" "$folder"
chmod -R u+w "$folder/adze"
cd "$folder/adze"

number_of ()
{
  sed -n "s/^#define $1 \([0-9][0-9]*\)\$/\1/p" abi.h
}
major=$(number_of ADZE_ABI_MAJOR)
minor=$(number_of ADZE_ABI_MINOR)
later=$((minor + 1))

fail ()
{
  echo "later-sdk.sh: $*" >&2
  exit 1
}

# change HEADER EXPRESSION: with sed, and it must have changed something.
change ()
{
  sed "$2" "$1" > changed
  ! cmp -s "$1" changed || fail "nothing in $1 fits $2"
  mv changed "$1"
}

# append HEADER STRUCT LINE...: new last members.
append ()
{
  header=$1
  struct=$2
  shift 2
  for line; do echo "$line"; done > lines
  awk -v struct="$struct" '
    $0 ~ "^(typedef )?struct " struct " {" { inside = 1 }
    inside && /^}/ {
      while ((getline line < "lines") > 0)
        print line
      inside = 0
      found = 1
    }
    { print }
    END { exit !found }' "$header" > changed || fail "there is no struct $struct in $header"
  mv changed "$header"
  rm lines
}

make_minor ()
{
  change abi.h "s/^#define ADZE_ABI_MINOR .*/#define ADZE_ABI_MINOR $later/"
  append host_table.h adze_host '  adze_status (*later_yield) (const adze_host *host);'
  append log.h adze_log_service '  void (*later_flush) (const adze_host *host);'
  append plugin.h adze_component '  const char *later_group;'
  append param.h adze_param '  const char *later_example;'
  append event.h adze_event '  const char *later_place;'
  append tensor.h adze_tensor '  const char *later_layout;'
  append draft/technique.h adze_port '  const char *later_note;'
  append draft/technique.h adze_technique \
    '  adze_status (*later_flush) (const adze_host *host, void *instance);'
  append plugin.h adze_plugin '  adze_status (*later_start) (const adze_host *host);'
  # A callback with another signature is a new member. The old place stays; who asked for the new
  # minor finds the new one under the name.
  change plugin.h "/^  void (\*deinit) (const adze_host \*host);/{
i\\
#if ADZE_API_VERSION >= $later
i\\
  void (*deinit_1) (const adze_host *host);
i\\
#else
a\\
#endif
}"
  append plugin.h adze_plugin "#if ADZE_API_VERSION >= $later" \
    '  void (*deinit) (const adze_host *host, int32_t reason);' '#else' \
    '  void (*deinit_2) (const adze_host *host, int32_t reason);' '#endif'
  change status.h 's/^  ADZE_E_INTERNAL = 15  */  ADZE_E_LATER = 16,\n&/'
  change param.h 's/^  ADZE_PARAM_OUTPUT_FILE = 10/  ADZE_PARAM_LATER = 11,\n&/'
  change event.h 's/^  ADZE_FIELD_STRING = 4/  ADZE_FIELD_LATER = 5,\n&/'
}

# The first minor of a major has the number 0, so a plugin needs 0 unless it says more.
make_major ()
{
  change abi.h "s/^#define ADZE_ABI_MAJOR .*/#define ADZE_ABI_MAJOR $((major + 1))/
    s/^#define ADZE_ABI_MINOR .*/#define ADZE_ABI_MINOR 0/
    s/^#define ADZE_API_VERSION 1\$/#define ADZE_API_VERSION 0/
    s/ADZE_API_VERSION < 1 /ADZE_API_VERSION < 0 /"
  change plugin.h 's/^  const char \*id;  *\/\* the file .*/  uint64_t later_flags;\n&/'
}

make_draft ()
{
  change draft/technique.h 's/^\(#define ADZE_TECHNIQUE_REVISION\) .*/\1 99/
    s/^  adze_status (\*apply) .*/  void (*later_first) (void);\n&/'
}

make_broken ()
{
  change plugin.h 's/^  const char \*kind; .*/  uint64_t later_flags;\n&/'
}

case $what in
  minor | major | draft | broken) "make_$what" ;;
  *) fail "say which: minor, major, draft or broken" ;;
esac

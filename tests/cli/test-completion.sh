#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bash completion: loads, and offers verbs, options, components, kinds and files.
. "$(dirname "$0")/lib.sh"

command -v bash > /dev/null || {
  echo "there is no bash"
  exit 77
}

# complete WORD...: what is offered for the last word, one a line, sorted.
cat > complete << 'END'
. "$1" || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_adze
printf '%s\n' "${COMPREPLY[@]}" | sort
END
completes () { bash complete "$root/hosts/cli/completion/adze" "$ADZE" "$@"; }

expect 0 bash -c '. "$1" && complete -p adze' bash "$root/hosts/cli/completion/adze"
out_has "_adze adze"
err_empty
expect 0 completes ""
out_has "list"
out_has "inspect"
out_has "plugin"
err_empty
expect 0 completes in
out_is "init
inspect"
expect 0 completes ph
out_is "phase"
expect 0 completes plugin d
out_is "doctor
dump"
expect 0 completes --plugin-path /x plugin resc
out_is "rescan"
expect 0 completes list --na
out_is "--names"
expect 0 completes list --color ""
out_is "always
auto
never"
expect 0 completes list --color = al
out_is "always"
expect 0 completes plugin new --lang ""
out_is "c
c++"

# Every option of every verb.
all_verbs > verbs
while read -r verb; do
  # shellcheck disable=SC2086
  "$ADZE" $verb --words | sed -n 's/^\(--[a-z-]*\).*/\1/p' | sort > wanted
  # shellcheck disable=SC2086
  expect 0 completes $verb --
  cmp -s wanted out || fail "options differ: $(diff wanted out)"
done < verbs

: > some.so
expect 0 completes plugin doctor so
out_is "some.so"

# Programs that stand for verbs.
mkdir bin
printf '#!/bin/sh\n' > bin/adze-extra
chmod +x bin/adze-extra
PATH=$work/bin:$PATH
expect 0 completes ex
out_is "extra"

need_sample
export ADZE_PLUGIN_PATH="$work/plugins"
expect 0 completes inspect sample-s
out_is "sample-scale
sample-spoil"
expect 0 completes list ob
out_is "observer"
expect 0 completes plugin try x --observe sample
out_is "sample-watch"
done_

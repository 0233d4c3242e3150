# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of the command share. A test is a script that sources this, and ends with done_.
#
# ADZE is the program and JSON the checker of documents; both default to where a build puts them.
# Nothing of the user's is read or written: home, configuration and cache lie in a folder that goes
# away with the test.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
ADZE=${ADZE:-${TOP_BUILDDIR:-$PWD}/hosts/cli/adze}
JSON=${JSON:-${TOP_BUILDDIR:-$PWD}/tests/cli/json-peer}
case $ADZE in /*) ;; *) ADZE=$PWD/$ADZE ;; esac
case $JSON in /*) ;; *) JSON=$PWD/$JSON ;; esac
for program in "$ADZE" "$JSON"; do
  [ -x "$program" ] || {
    echo "there is no program $program; build it first, or set ADZE and JSON"
    exit 99
  }
done

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
export HOME="$work/home" XDG_CONFIG_HOME="$work/config" XDG_DATA_HOME="$work/data"
export XDG_CACHE_HOME="$work/cache" LC_ALL=C
unset ADZE_PLUGIN_PATH ADZE_TEMPLATE_DIR NO_COLOR COLUMNS
mkdir -p "$HOME"
cd "$work" || exit 99
failures=0
ran=

fail ()
{
  failures=$((failures + 1))
  printf 'FAILED: %s\n  %s\n' "$ran" "$1"
  printf '  exit status %s\n' "${status-none}"
  sed 's/^/  out: /' out 2> /dev/null | head -n 30
  sed 's/^/  err: /' err 2> /dev/null | head -n 30
}

# expect STATUS COMMAND...: leaves what it printed in the files out and err.
expect ()
{
  wanted=$1
  shift
  ran=$*
  status=0
  "$@" > out 2> err < /dev/null || status=$?
  [ "$status" = "$wanted" ] || fail "the exit status should be $wanted"
}

out_has () { grep -qF -e "$1" out || fail "standard output should have: $1"; }
err_has () { grep -qF -e "$1" err || fail "standard error should have: $1"; }
out_lacks () { ! grep -qF -e "$1" out || fail "standard output should not have: $1"; }
err_lacks () { ! grep -qF -e "$1" err || fail "standard error should not have: $1"; }
out_is () { [ "$(cat out)" = "$1" ] || fail "standard output should be: $1"; }
err_empty () { [ ! -s err ] || fail "standard error should be empty"; }
out_empty () { [ ! -s out ] || fail "standard output should be empty"; }

# json_is VALUE KEY...: standard output is one JSON document with that value at that place.
json_is ()
{
  value=$1
  shift
  found=$("$JSON" "$@" < out 2>&1) || fail "standard output should be one JSON document: $found"
  [ "$found" = "$value" ] || fail "the JSON value at $* should be $value and is $found"
}
json_valid ()
{
  complaint=$("$JSON" < out 2>&1) || fail "standard output should be one JSON document: $complaint"
}

# Builds NAME.c as plugins/NAME.so; the test is skipped where nothing can build it, and ends here in
# a static build, whose program takes no plugin from a file.
need_plugin ()
{
  [ "${ADZE_SHARED-}" != no ] || done_
  mkdir -p plugins
  ${CC:-cc} -shared -fPIC -fvisibility=hidden -I"$root/sdk/include" -o "plugins/$1.so" \
    "$here/$1.c" 2> err || {
    echo "no compiler for the plugin $1:"
    cat err
    exit 77
  }
}
need_sample () { need_plugin sample; }

# The format of tests/plugins/slate.c, whose files say in words what is in them, in a folder that is
# trusted.
need_slate ()
{
  [ "${ADZE_SHARED-}" != no ] || done_
  mkdir -p plugins "$XDG_CONFIG_HOME/adze"
  echo "trusted = [\"$work/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
  export ADZE_PLUGIN_PATH="$work/plugins"
  ${CC:-cc} -shared -fPIC -fvisibility=hidden -I"$root/sdk/include" -o plugins/slate.so \
    "$root/tests/plugins/slate.c" 2> err || {
    echo "no compiler for the plugin slate:"
    cat err
    exit 77
  }
}

# Verbs as the command itself lists them: "list", "plugin check". phase is a program of its own, with tests of its own.
all_verbs ()
{
  "$ADZE" --words | grep -v -e '^-' -e '^phase$' | while read -r verb; do
    case $verb in
      plugin | runs | backend) "$ADZE" "$verb" --words | grep -v '^-' | sed "s/^/$verb /" ;;
      *) echo "$verb" ;;
    esac
  done
}

done_ ()
{
  [ "$failures" = 0 ] && exit 0
  echo "$failures failed"
  exit 1
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests with programs of others share. Each is skipped, by name, where what it needs is not
# there: ADZE_NODE_MODULES is a folder node_modules (npm's global one unless it is set), and
# ADZE_TEST_DATA one with models.
. "$TOP_SRCDIR/tests/cli/lib.sh"

skip_ ()
{
  echo "skipped: $1"
  exit 77
}

# The folder of a module goes to the variable module.
need_module ()
{
  command -v node > /dev/null || skip_ "there is no node"
  modules=${ADZE_NODE_MODULES:-$(npm root -g 2> /dev/null || true)}
  module=$modules/$1
  [ -n "$modules" ] && [ -d "$module" ] || skip_ "there is no $1 in '$modules'"
  export ADZE_NODE_MODULES=$modules
}

# A file of ADZE_TEST_DATA, to the variable data.
need_data ()
{
  data=${ADZE_TEST_DATA-}/$1
  [ -n "${ADZE_TEST_DATA-}" ] && [ -r "$data" ] || skip_ "there is no $1 in ADZE_TEST_DATA"
}

need_python ()
{
  command -v python3 > /dev/null || skip_ "there is no python3"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of pipelines share: the command, the plugin of parts, and files to name.
. "$(dirname "$0")/../cli/lib.sh"

# parts_: the plugin, trusted, so that its format is asked in this process; and PARTS, the options.
parts_ ()
{
  need_plugin parts
  mkdir -p "$XDG_CONFIG_HOME/adze"
  echo "trusted = [\"$work/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
  PARTS="--plugin-path $work/plugins"
}

# files_ DIR: what the pipelines of these tests name.
files_ ()
{
  mkdir -p "$1/folder"
  printf 'BLOB' > "$1/mlp.blob"
  printf 'BLOB' > "$1/big.blob"
  printf '1,2\n' > "$1/train.rows"
  printf '3,4\n' > "$1/test.rows"
  printf 'a,b\n1,2\n' > "$1/costs.csv"
  # Whole models, for what only their tensors can tell.
  peer=$root/tests/pipelines/model-peer
  [ -z "${TOP_BUILDDIR-}" ] || peer=$TOP_BUILDDIR/tests/pipelines/model-peer
  "$peer" "$1/small.safetensors" 3 8 8
  "$peer" "$1/wide.safetensors" 3 8 16
}

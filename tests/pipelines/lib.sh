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
  # And a graph: y = x + w, where w is [1, -2, 3, -4].
  {
    printf '\010\010\072P\012\016\012\001x\012\001w\022\001y\042\003Add\022\001g\052\031\010\004\020\001B\001wJ\020\000\000\200\077\000\000\000\300\000\000\100\100\000'
    printf '\000\200\300Z\017\012\001x\022\012\012\010\010\001\022\004\012\002\010\004b\017\012\001y\022\012\012\010\010\001\022\004\012\002\010\004B\002\020\021'
  } > "$1/add.onnx"
  "$ADZE" convert "$1/small.safetensors" "$1/shards.safetensors.index.json" --set shard-size=600 \
    || exit 99
}

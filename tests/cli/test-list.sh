#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze list and adze inspect.
. "$(dirname "$0")/lib.sh"

# Nothing there: where was looked, and who wanted that?
mkdir empty
expect 1 "$ADZE" --plugin-path empty list no-such-kind
out_empty
err_has "no components of kind 'no-such-kind' were found"
err_has "these folders were searched, in this order:"
err_has "$work/empty"
err_has "--plugin-path"
err_has "$XDG_DATA_HOME/adze/plugins"
expect 1 "$ADZE" --plugin-path empty list no-such-kind --quiet
err_empty
expect 1 "$ADZE" list no-such-kind --json
json_is 0 components

need_sample
P="--plugin-path plugins"
# shellcheck disable=SC2086
{
  expect 0 "$ADZE" $P list
  err_empty
  out_has "KIND"
  out_has "multiplies every number"
  expect 0 "$ADZE" $P list observer --names
  out_has "sample-watch"
  out_lacks "sample-scale"
  out_lacks " "
  expect 0 "$ADZE" $P list technique --json
  json_valid
  out_has '"sample-scale"'
  out_lacks '"sample-watch"'
  expect 1 "$ADZE" $P list tecnique
  err_has "there are components of these kinds: "
  err_has " observer, "
  err_has ", technique"

  expect 0 "$ADZE" $P inspect sample-scale
  err_empty
  out_has "sample-scale (technique): multiplies every number"
  out_has "sample 1.2.3"
  out_has "Apache-2.0"
  out_has "$work/plugins/sample.so"
  out_has "not trusted"
  out_has "parallel: one instance is used by several threads at once"
  out_has "factor"
  out_has "(0, inf)"
  out_has "what each number is multiplied by"
  out_has "Ports"
  expect 0 "$ADZE" $P inspect sample-watch
  out_has "It takes no parameters."
  expect 0 "$ADZE" $P inspect sample-scale --json
  json_is sample-scale id
  expect 0 "$ADZE" $P inspect sample-scale --schema
  json_is number properties factor type
  expect 0 "$ADZE" $P inspect sample-scale --man
  out_has ".SH PARAMETERS"
  expect 1 "$ADZE" $P inspect sample-scal
  err_has "did you mean 'sample-scale'?"
  out_empty
}

# One bad file does not hide the good ones, and is not passed over in silence.
echo junk > plugins/junk.so
# shellcheck disable=SC2086
{
  expect 0 "$ADZE" $P list
  out_has "sample-scale"
  err_has "1 plugin could not be used; see adze plugin list --failed"
  [ "$(wc -l < err)" = 1 ] || fail "one line is enough"
  expect 0 "$ADZE" $P list --quiet
  err_empty
  expect 0 "$ADZE" $P list --json
  json_valid
  err_has "1 plugin could not be used"
  echo junk > plugins/scrap.so
  expect 0 "$ADZE" $P list
  err_has "2 plugins could not be used"
}

# Trust is the configuration's to give.
mkdir -p "$XDG_CONFIG_HOME/adze"
echo "trusted = [\"$work/plugins\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
expect 0 "$ADZE" --plugin-path plugins inspect sample-scale
out_has ", trusted"
out_lacks "not trusted"
done_

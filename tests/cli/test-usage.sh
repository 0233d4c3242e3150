#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A wrong command line is exit status 2, says what is wrong and what was meant, and is a JSON
# document when that was asked for.
. "$(dirname "$0")/lib.sh"

expect 2 "$ADZE" lsit
err_has "'lsit' is no verb; did you mean 'list'?"
err_has "Try 'adze --help'."
out_empty
expect 2 "$ADZE" plugin chekc x.so
err_has "did you mean 'plugin check'?"
expect 2 "$ADZE" plugin wurzelbrunft
err_has "'plugin wurzelbrunft' is no verb"
err_lacks "did you mean"
expect 2 "$ADZE" list --nmaes
err_has "did you mean '--names'?"
err_has "Try 'adze list --help'."
expect 2 "$ADZE" list -x
err_has "unknown option '-x'"
expect 2 "$ADZE" list --names=yes
err_has "takes no value"
expect 2 "$ADZE" list --plugin-path
err_has "needs a value"
expect 2 "$ADZE" list --color sometimes
err_has "auto|always|never"
expect 2 "$ADZE" list --color never --color always
err_has "twice"
expect 2 "$ADZE" list --quiet --verbose
err_has "contradict"
expect 2 "$ADZE" inspect
err_has "adze inspect COMPONENT"
expect 2 "$ADZE" list technique observer
err_has "'observer' is one word too many"
expect 2 "$ADZE" inspect x --schema --man
expect 2 "$ADZE" plugin dump x --manifest --json
expect 2 "$ADZE" plugin check x.so --rounds many
err_has "--rounds takes a whole number"
expect 2 "$ADZE" plugin check x.so --rounds -1
expect 2 "$ADZE" plugin check x.so --rounds 0
expect 2 "$ADZE" plugin check x.so --time-limit 18446744073709551616

# --json behind what is wrong counts too, and standard output has one document and nothing else.
expect 2 "$ADZE" list --nmaes --json
json_is usage error status
json_is "unknown option '--nmaes'; did you mean '--names'?" error message
expect 2 "$ADZE" --json lsit
json_is usage error status
expect 1 "$ADZE" --json inspect no-such-component
json_is not-found error status
err_has "adze: there is no component 'no-such-component'"
# Behind "--" it is a word.
expect 1 "$ADZE" inspect -- --json
out_empty
err_has "'--json'"

# Options of every verb stand before it, inside it and behind it, also with "=".
mkdir one two
for form in "--plugin-path one list nonsuch" "list --plugin-path=one nonsuch" \
  "list nonsuch --plugin-path one"; do
  # shellcheck disable=SC2086
  expect 1 "$ADZE" $form
  err_has "$work/one"
done
expect 0 "$ADZE" plugin --plugin-path one list --plugin-path two --json
expect 1 "$ADZE" --plugin-path one list --plugin-path two nonsuch
[ "$(grep -n "$work/one" err | cut -d: -f1)" -lt "$(grep -n "$work/two" err | cut -d: -f1)" ] \
  || fail "folders should be searched in the order in which they were given"

# A broken configuration is the user's to mend.
mkdir -p "$XDG_CONFIG_HOME/adze"
echo 'trusted = ["relative"]' > "$XDG_CONFIG_HOME/adze/config.toml"
expect 2 "$ADZE" list
err_has "config.toml:1:"
expect 2 "$ADZE" list --json
json_is format error status
# What needs no plugin needs no configuration.
expect 0 "$ADZE" --help
expect 0 "$ADZE" --version
done_

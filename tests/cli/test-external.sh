#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "adze foo" runs adze-foo from PATH.
. "$(dirname "$0")/lib.sh"

mkdir bin
cat > bin/adze-foo << 'END'
#!/bin/sh
for argument; do printf '[%s]' "$argument"; done
echo
exit 7
END
chmod +x bin/adze-foo
PATH=$work/bin:$PATH

# Nothing of what stands behind the verb is looked at.
expect 7 "$ADZE" foo
out_is ""
expect 7 "$ADZE" foo a "b c" --unknown --json -- --help ""
out_is "[a][b c][--unknown][--json][--][--help][]"
# The options in front of it are handed on, not dropped.
expect 7 "$ADZE" --plugin-path x --verbose foo a
out_is "[--plugin-path][x][--verbose][a]"

# A verb of our own wins.
cp bin/adze-foo bin/adze-list
expect 0 "$ADZE" list --help
out_has "Usage: adze list"

expect 2 "$ADZE" bar
err_has "'bar' is no verb, and PATH has no program adze-bar"
expect 2 "$ADZE" bar --json
json_is usage error status

# Only names: a path must not lead out of PATH.
mkdir adze-x
cp bin/adze-foo foo
expect 2 "$ADZE" x/../foo
err_has "is no verb"
out_empty

# A program that is there but cannot be run is not passed over in silence.
printf 'junk' > bin/adze-junk
chmod +x bin/adze-junk
printf '#!/no/such/interpreter\n' > bin/adze-gone
chmod -x bin/adze-foo
expect 2 "$ADZE" foo
err_has "PATH has no program adze-foo that may be run"
done_

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze plugin list, rescan, doctor, dump, stamp and key.
. "$(dirname "$0")/lib.sh"

# ---- key
expect 0 "$ADZE" plugin key mine
out_has "mine.pub"
[ -f mine ] && [ -f mine.pub ] || fail "there should be two files"
[ "$(stat -c %a mine)" = 600 ] || fail "the secret key should be its owner's alone"
before=$(cat mine)
expect 1 "$ADZE" plugin key mine
[ "$(cat mine)" = "$before" ] || fail "a key should never be replaced"
expect 0 "$ADZE" plugin key other --json
json_is other.pub public

need_sample
sample=plugins/sample.so

# ---- doctor
expect 0 "$ADZE" plugin doctor $sample
err_empty
expect 0 "$ADZE" plugin doctor $sample --json
json_is true healthy
echo junk > plugins/junk.so
expect 1 "$ADZE" plugin doctor plugins/junk.so
expect 1 "$ADZE" plugin doctor plugins/junk.so --json
json_is false healthy
expect 1 "$ADZE" plugin doctor no-such-file.so
expect 1 "$ADZE" plugin doctor no-such-file.so --json
json_valid

# ---- dump
expect 0 "$ADZE" plugin dump $sample
out_has "version=1.2.3"
expect 0 "$ADZE" plugin dump $sample --json
json_is 1.2.3 version
expect 0 "$ADZE" plugin dump $sample --manifest
out_has 'version = "1.2.3"'
out_lacks "digest"
expect 1 "$ADZE" plugin dump plugins/junk.so
out_empty
expect 1 "$ADZE" plugin dump plugins/junk.so --json
json_valid

# ---- list, rescan
expect 0 "$ADZE" --plugin-path plugins plugin list
out_has "sample"
out_has "not trusted"
out_has "failed"
err_has "1 plugin could not be used"
expect 0 "$ADZE" --plugin-path plugins plugin list --failed
out_has "junk: cannot use"
out_lacks "sample"
expect 0 "$ADZE" --plugin-path plugins plugin list --failed --json
json_valid
expect 0 "$ADZE" --plugin-path plugins plugin list --json
json_valid
expect 0 "$ADZE" --plugin-path plugins plugin rescan
out_has "1 failed"
expect 0 "$ADZE" --plugin-path plugins plugin rescan --json
json_is 1 failed
rm plugins/junk.so
expect 0 "$ADZE" --plugin-path plugins plugin list --failed
out_empty
err_has "can be used"

# ---- stamp
expect 0 "$ADZE" plugin stamp $sample
out_has "$sample: stamped"
grep -q '^digest = "blake2b:' plugins/sample.toml || fail "the manifest should have a digest"
expect 0 "$ADZE" plugin stamp $sample --key mine --json
json_is true signed
json_is $sample stamped 0
grep -q '^\[signature\]' plugins/sample.toml || fail "the manifest should be signed"
expect 0 "$ADZE" --plugin-path plugins plugin list
out_lacks "signed"
mkdir -p "$XDG_CONFIG_HOME/adze/keys"
cp mine.pub "$XDG_CONFIG_HOME/adze/keys/"
expect 0 "$ADZE" --plugin-path plugins plugin list
out_has "signed"
# Another file under the same manifest is refused.
printf x >> $sample
expect 1 "$ADZE" plugin try $sample --component sample-scale
err_has "digest"
expect 1 "$ADZE" plugin stamp no-such-file.so
expect 1 "$ADZE" plugin stamp no-such-file.so --json
json_valid
done_

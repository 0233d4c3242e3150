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

# What is wrong with a file is wrong with the file, whatever it is.
need_plugin unsound
expect 1 "$ADZE" plugin dump plugins/unsound.so
err_has "the parameters of"
expect 1 "$ADZE" plugin try plugins/unsound.so
# The system's words for want of memory (the part to be protected lies at an absurd address) are
# about the file, too.
cp $sample plugins/damaged.so
row=$(readelf -lW plugins/damaged.so 2> err | sed '1,/^  Type/d' | grep -n '^  GNU_RELRO ' \
  | cut -d: -f1)
if [ -n "$row" ] && [ "$(od -An -tu1 -j4 -N1 plugins/damaged.so | tr -d ' ')" = 2 ]; then
  printf '\020' \
    | dd of=plugins/damaged.so bs=1 conv=notrunc seek=$((64 + 56 * (row - 1) + 16 + 5)) 2> err
  expect 1 "$ADZE" plugin dump plugins/damaged.so
  expect 1 "$ADZE" plugin try plugins/damaged.so --in-process
fi
rm plugins/unsound.so plugins/damaged.so

# ---- list, rescan
expect 0 "$ADZE" --plugin-path plugins plugin list
out_has "sample"
out_has "not trusted"
out_has "failed"
err_has "1 plugin could not be used"
err_has "these folders were searched"
expect 0 "$ADZE" --plugin-path plugs plugin list
err_has "--plugin-path names the folder $work/plugs, which cannot be searched"
expect 0 env ADZE_PLUGIN_PATH=plugs "$ADZE" plugin list
err_has "ADZE_PLUGIN_PATH names the folder $work/plugs, which cannot be searched"
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
# What cannot be kept is said: the next command would go by what was kept before.
echo > file
for quiet in "" --quiet; do
  # shellcheck disable=SC2086
  expect 0 env XDG_CACHE_HOME="$work/file" "$ADZE" --plugin-path plugins plugin rescan $quiet
  out_has " found"
done
err_empty
expect 0 env XDG_CACHE_HOME="$work/file" "$ADZE" --plugin-path plugins plugin rescan
err_has "warning: "
err_has "$work/file"
expect 0 env XDG_CACHE_HOME="$work/file" "$ADZE" --plugin-path plugins plugin list
err_lacks "$work/file"
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
# Those before the one that fails are stamped, and that is said.
need_sample
expect 1 "$ADZE" plugin stamp $sample no-such-file.so
out_is "$sample: stamped"
expect 1 "$ADZE" plugin stamp $sample no-such-file.so --json
json_is 1 stamped
json_is $sample stamped 0
json_is false signed
json_is not-found error status
expect 1 "$ADZE" plugin stamp no-such-file.so $sample --json
json_is 0 stamped
done_

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where signatures are required, a foreign library's manifest needs one too, and can have one.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build loads no libraries"; exit 0; }
cd "$TMPDIR"

fail ()
{
  echo "$*" >&2
  exit 1
}

mkdir -p folder "$XDG_CONFIG_HOME/adze/keys"
cp "$TOP_SRCDIR/plugin-manifests/foreign/libm.toml" folder/mine.toml
sed -i -e 's/^id = "libm"/id = "mine"/' -e 's/"libm-tanh"/"my-tanh"/' folder/mine.toml
echo 'require-signed = true' > "$XDG_CONFIG_HOME/adze/config.toml"

if "$ADZE" plugin try my-tanh --plugin-path folder --data 0 2> refused; then
  fail "an unsigned manifest is used although signatures are required"
fi
grep -q 'step: signature' refused && grep -q 'adze plugin stamp --key' refused \
  || fail "$(cat refused)"

"$ADZE" plugin key key > /dev/null
"$ADZE" plugin stamp --key key folder/mine.toml > /dev/null
cp key.pub "$XDG_CONFIG_HOME/adze/keys"
[ "$("$ADZE" plugin try my-tanh --plugin-path folder --data 0)" = 0 ] || fail "signed, and refused"

# A second signature replaces the first, and one byte of another text undoes it.
"$ADZE" plugin stamp --key key folder/mine.toml > /dev/null
[ "$(grep -c '^\[signature\]' folder/mine.toml)" -eq 1 ] || fail "two signatures"
sed -i 's/hyperbolic/Hyperbolic/' folder/mine.toml
! "$ADZE" plugin try my-tanh --plugin-path folder --data 0 2> refused || fail "a forgery is used"
grep -q 'step: signature' refused || fail "$(cat refused)"

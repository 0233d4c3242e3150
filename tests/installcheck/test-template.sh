#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `adze plugin new` makes builds, passes its own check and installs, from an empty folder, with
# nothing but what was installed; in each language whose compiler is here. The sources of adze are
# out of reach: nothing here names them but for the one plugin that is written by hand.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
hand_written=$TOP_SRCDIR/tests/plugins/hand-written.rs
package_path=${PKG_CONFIG_PATH-}
export CC CXX
unset TOP_SRCDIR TOP_BUILDDIR srcdir ADZE_TEMPLATE_DIR
cd "$TMPDIR"

# Whoever installed into a folder of their own has told nobody where: neither PATH nor pkg-config. A
# tree that is to become a package does not lie where it will, and has to be told.
adze ()
{
  "$ADZE" "$@"
}
if [ -z "${DESTDIR-}" ]; then
  unset PKG_CONFIG_PATH
else
  PATH=$(dirname "$ADZE"):$PATH
fi

fail ()
{
  echo "$*" >&2
  exit 1
}

for kind in technique observer; do
  for lang in c c++; do
    name=my-$kind-$([ $lang = c ] && echo c || echo cc)
    adze plugin new "$name" --kind "$kind" --lang "$lang"
    make -C "$name"
    make -C "$name" check
    make -C "$name" install PLUGINDIR="$TMPDIR/installed"
    adze list --plugin-path "$TMPDIR/installed" | grep -q "$name" || fail "$name is not listed"
    adze inspect --plugin-path "$TMPDIR/installed" "$name" > /dev/null
    # Whoever goes on working on it has the old one installed, and means the new one.
    ADZE_PLUGIN_PATH="$TMPDIR/installed" make -C "$name" check
    [ "$(wc -l < "$name/$name.c"*)" -lt 60 ] || fail "the template of a $kind is long"
  done
done
# What is set already comes first, and what is given is used.
mkdir other
printf 'Name: adze-sdk\nDescription: another\nVersion: 0\nplugindir=%s/elsewhere\n' "$TMPDIR" \
  > other/adze-sdk.pc
PKG_CONFIG_PATH="$TMPDIR/other" make -C my-technique-c install
[ -f "$TMPDIR/elsewhere/my-technique-c.toml" ] || fail "PKG_CONFIG_PATH is not respected"
! make -C my-technique-c check ADZE=false || fail "ADZE is not respected"
# Folders are called what they are called.
make -C my-technique-c install PLUGINDIR="$TMPDIR/it's my folder"
[ -f "$TMPDIR/it's my folder/my-technique-c.toml" ] || fail "a folder's name is not respected"
# Into a tree that is to become a package.
make -C my-technique-c install DESTDIR="$TMPDIR/package"
plugin_folder=$(PKG_CONFIG_PATH=$package_path pkg-config --variable=plugindir adze-sdk)
[ -f "$TMPDIR/package$plugin_folder/my-technique-c.toml" ] \
  || fail "DESTDIR is not respected"

# A language that adze knows nothing of, without the headers.
# A compiler that is installed for the user looks for itself below the real home.
export RUSTUP_HOME="${RUSTUP_HOME-$(getent passwd "$(id -u)" | cut -d: -f6)/.rustup}"
if command -v rustc > /dev/null && rustc --version > /dev/null 2>&1; then
  rustc --edition 2021 --crate-type cdylib -C panic=abort -C opt-level=2 -o negate.so \
    "$hand_written"
  [ "$(adze plugin try ./negate.so --data 1,-2,3)" = "-1 2 -3" ] || fail "negate.so negates wrongly"
  adze plugin check ./negate.so
else
  echo "rustc is not here: not applicable"
fi

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze plugin new: what it makes of a folder of templates. That the SDK's own templates build, pass
# and install is tested elsewhere.
. "$(dirname "$0")/lib.sh"

mkdir templates
export ADZE_TEMPLATE_DIR="$work/templates"
echo '/* @NAME@ @KIND@ */ int @C_NAME@; // @OTHER@ a@b' > templates/technique.c
echo '// @NAME@' > templates/technique.cc
echo '/* observer @NAME@ */' > templates/observer.c
printf 'all: @SOURCE@\n\techo $@ @NAME@\n' > templates/Makefile
printf '#!/bin/sh\n' > templates/check.sh
chmod 755 templates/check.sh

expect 0 "$ADZE" plugin new my-prune
out_has "cd my-prune && make && make check"
[ "$(ls my-prune | tr '\n' ' ')" = "Makefile check.sh my-prune.c " ] \
  || fail "found $(ls my-prune | tr '\n' ' ')"
[ "$(cat my-prune/my-prune.c)" = '/* my-prune technique */ int my_prune; // @OTHER@ a@b' ] \
  || fail "found $(cat my-prune/my-prune.c)"
[ "$(cat my-prune/Makefile)" = "$(printf 'all: my-prune.c\n\techo $@ my-prune')" ] \
  || fail "found $(cat my-prune/Makefile)"
[ -x my-prune/check.sh ] || fail "a script should stay one"
[ ! -x my-prune/Makefile ] || fail "a Makefile should not become one"

expect 0 "$ADZE" plugin new cpp --lang c++
[ "$(cat cpp/cpp.cc)" = "// cpp" ] || fail "found $(cat cpp/*)"
[ ! -e cpp/cpp.c ] || fail "one source is enough"
expect 0 "$ADZE" plugin new watcher --kind observer --lang c --json
json_is watcher.c source
json_is 3 files
json_is Makefile files 0
grep -q observer watcher/watcher.c || fail "it should be an observer"

# Nothing that exists is touched.
expect 1 "$ADZE" plugin new my-prune --kind observer
err_has "'my-prune' exists already"
[ "$(ls my-prune | wc -l)" = 3 ] || fail "the folder should be as it was"
: > taken
expect 1 "$ADZE" plugin new taken
ln -s nowhere dangling
expect 1 "$ADZE" plugin new dangling

for name in Prune 1prune -prune my_prune my.prune ../prune /tmp/prune "" "a b" \
  a23456789012345678901234567890123456789012345678901234567890123456; do
  expect 2 "$ADZE" plugin new -- "$name"
  err_has "cannot be a plugin's name"
done
expect 2 "$ADZE" plugin new x --kind codec
err_has "there are: "
err_has "observer"
[ ! -e x ] || fail "a failure should leave nothing behind"
expect 2 "$ADZE" plugin new x --kind observer --lang c++
err_has "there are: technique"
expect 2 "$ADZE" plugin new x --lang rust
err_has "c|c++"

# Half a plugin is taken back.
mkdir templates/folder
expect 4 "$ADZE" plugin new half
err_has "templates/folder"
[ ! -e half ] || fail "a failure should leave nothing behind"
rmdir templates/folder
ADZE_TEMPLATE_DIR=$work/none
expect 4 "$ADZE" plugin new x
err_has "$work/none"

# The SDK's own.
unset ADZE_TEMPLATE_DIR
if [ -d "$root/sdk/template" ]; then
  export ADZE_TEMPLATE_DIR="$root/sdk/template"
  for kind in technique observer; do
    expect 0 "$ADZE" plugin new "own-$kind" --kind $kind
    ! grep -rn '@[A-Z_]*@' "own-$kind" > left || fail "not filled in: $(cat left)"
    [ -f "own-$kind/Makefile" ] || fail "there should be a Makefile"
    grep -qx 'PKGCONFIGDIR = /.*/pkgconfig' "own-$kind/Makefile" || fail "where is adze-sdk.pc?"
    program=$(sed -n 's/^ADZE = //p' "own-$kind/Makefile")
    [ "$program" = adze ] || [ -x "$program" ] || fail "there is no $program"
  done
  expect 0 "$ADZE" plugin new own-cc --lang c++
  [ -f own-cc/own-cc.cc ] || fail "there should be a C++ source"
fi
done_

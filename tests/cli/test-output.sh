#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Colour only where it is wanted, and no answer that is lost in silence.
. "$(dirname "$0")/lib.sh"

escape=$(printf '\033')

# Not a terminal: no colour unless it is asked for.
expect 0 "$ADZE" --help
out_lacks "$escape"
expect 0 "$ADZE" --help --color always
out_has "$escape[1m"
expect 0 "$ADZE" --help --color=never
out_lacks "$escape"
expect 2 env TERM=xterm "$ADZE" bogus
err_lacks "$escape"

# On a terminal.
if command -v script > /dev/null && TERM=xterm script -qec true /dev/null > /dev/null 2>&1; then
  on_terminal () { script -qec "stty cols 60; $*" /dev/null; }
  expect 0 on_terminal "TERM=xterm '$ADZE' --help"
  out_has "$escape[1m"
  tr -d '\r' < out | sed "s/$escape\[[0-9]*m//g" | awk 'length > 60 { exit 1 }' \
    || fail "lines should fit the terminal"
  expect 0 on_terminal "TERM=xterm NO_COLOR=1 '$ADZE' --help"
  out_lacks "$escape"
  expect 0 on_terminal "TERM=xterm NO_COLOR= '$ADZE' --help"
  out_has "$escape[1m"
  expect 0 on_terminal "TERM=dumb '$ADZE' --help"
  out_lacks "$escape"
  expect 0 on_terminal "TERM=xterm NO_COLOR=1 '$ADZE' --help --color always"
  out_has "$escape[1m"
fi

# A full disk, a closed standard output: exit status 4, and said.
if [ -c /dev/full ]; then
  full () { "$@" > /dev/full; }
  for arguments in "--help" "--version" "list --help" "--words"; do
    # shellcheck disable=SC2086
    expect 4 full "$ADZE" $arguments
    err_has "adze: cannot write to standard output"
  done
  expect 4 full "$ADZE" plugin list --json
fi
closed () { "$@" >&-; }
expect 4 closed "$ADZE" --version
err_has "adze: cannot write to standard output"

# A reader that goes away knows it.
ran="adze --help | true"
(trap '' PIPE; "$ADZE" --help 2> err; echo $? > status) | true
status=$(cat status)
err_lacks "cannot write"

# What is opened while standard output is closed must not be taken for it: it is held.
if [ -d /proc/self/fd ]; then
  mkdir bin
  cat > bin/adze-held << 'END'
#!/bin/sh
held=$(readlink /proc/$$/fd/1)
echo "$held" > held
END
  chmod +x bin/adze-held
  PATH=$work/bin:$PATH
  expect 0 closed "$ADZE" held
  [ "$(cat held)" = /dev/null ] || fail "standard output should be held, and is: $(cat held)"
fi
need_sample
expect 4 closed "$ADZE" plugin check plugins/sample.so --only "sample-scale: presets"
err_has "adze: cannot write to standard output"
done_

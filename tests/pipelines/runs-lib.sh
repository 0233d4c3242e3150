# SPDX-License-Identifier: Apache-2.0
# What the tests of pipelines share. Sourced; a test ends with `finish`.
set -u
cd "$TMPDIR" || exit 1
failures=0

complain ()
{
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

finish ()
{
  [ $failures -eq 0 ] || exit 1
  exit 0
}

# must COMMAND...: it has to succeed.
must ()
{
  "$@" > must.out 2>&1 || {
    complain "$* ended with $?"
    cat must.out >&2
  }
}

# must_fail WORDS COMMAND...: it has to fail, and to say WORDS.
must_fail ()
{
  local words=$1
  shift
  if "$@" > must.out 2>&1; then
    complain "$* succeeded, and should have said: $words"
  elif ! grep -qF -- "$words" must.out; then
    complain "$* failed without saying: $words"
    cat must.out >&2
  fi
}

# model PATH TENSORS ROWS COLUMNS [SEED [sparse|TRAIT]]
model ()
{
  "$TOP_BUILDDIR/tests/pipelines/model-peer" "$@" || complain "no model $1"
}

# plugins NAME...: builds tests/plugins/NAME.c into a folder that is searched and trusted. In a static
# build, whose program takes no plugin from a file, the test ends here.
plugins ()
{
  if [ "$ADZE_SHARED" = no ]; then
    echo "not applicable: a static program loads no plugins"
    exit 0
  fi
  local name
  mkdir -p plugins "$XDG_CONFIG_HOME/adze"
  echo "trusted = [\"$PWD/plugins\", \"$PWD/one\"]" > "$XDG_CONFIG_HOME/adze/config.toml"
  export ADZE_PLUGIN_PATH="$PWD/plugins"
  for name; do
    $CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
      -o "plugins/$(basename "$name").so" "$TOP_SRCDIR/tests/plugins/$name.c" || {
      echo "needed is a compiler for the plugin $name"
      exit 77
    }
  done
}

# waiting_pipeline: one whose stage, of the plugin slow, makes the file "before" as it is first called,
# and then waits for the file "after".
waiting_pipeline ()
{
  cat << END
adze = 1
name = "p"
[model]
path = "model.safetensors"
[[stage]]
use = "slow"
before = "$PWD/before"
after = "$PWD/after"
[[output]]
path = "out.safetensors"
END
}

# has_begun NAME: waits until the stage of waiting_pipeline has been called.
has_begun ()
{
  for _ in $(seq 3000); do [ -e before ] && return; sleep .01; done
  complain "the run $1 did not begin"
}

# cached WORD...: of each segment, whether the last run found it ("true") or did it ("false").
cached ()
{
  local found
  found=$(sed -n 's/.*"segment.finished".*"cached": \(true\|false\).*/\1/p' \
    "$(ls -d adze-runs/0* | tail -n 1)/events.jsonl" | tr '\n' ' ')
  [ "$found" = "$* " ] || complain "segments found: $found, should be: $*"
}

# SPDX-License-Identifier: Apache-2.0
# What the tests of what techniques say and do share. Sourced.
. "$(dirname "$0")/runs-lib.sh"

# pipeline NAME MODEL TECHNIQUE [LINE...]
pipeline ()
{
  local name=$1 model=$2 technique=$3
  shift 3
  {
    printf 'adze = 1\nname = "%s"\n[model]\npath = "%s.safetensors"\n' "$name" "$model"
    printf '[[stage]]\nuse = "%s"\n' "$technique"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-out.safetensors"\n' "$name"
  } > "$name.toml"
}

# caught NAME TECHNIQUE WORDS: here, and in a process of its own; no file is left under the output's name.
caught ()
{
  must_fail "$3" "$ADZE" run "$1.toml" --set "stage.$2.isolate=false"
  must_fail "$3" "$ADZE" run "$1.toml" --set "stage.$2.isolate=true"
  [ ! -e "$1-out.safetensors" ] || complain "$1: an output was left"
}

# lost NAME WORDS: `adze plan` and `adze run` warn of it, once.
lost ()
{
  local verb
  for verb in plan run; do
    must "$ADZE" $verb "$1.toml"
    [ "$(grep -cF "warning: $1.toml:5:1: what stage $2" must.out)" = 1 ] || {
      complain "$1: $verb does not say once what is lost"
      cat must.out
    }
  done
}

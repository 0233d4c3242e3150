#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stages that look by applying and stages that sum up what they see stand in one pass in any order, and
# each gets what is its own.
. "$(dirname "$0")/runs-lib.sh"
model model.safetensors 4 32 32

stage ()
{
  printf '[[stage]]\nuse = "%s"\n' "$1"
  case $1 in fault*) printf 'mode = "none"\n' ;; esac
}

# tried STAGE...: what profile says of the model is the same with these stages around it.
tried ()
{
  {
    printf 'adze = 1\nname = "behind"\n[model]\npath = "model.safetensors"\n'
    for use in "$@"; do stage "$use"; done
    printf '[[output]]\npath = "out.safetensors"\n'
  } > p.toml
  must "$ADZE" run p.toml --fresh
  grep -A3 '"profile"' "$(ls -d adze-runs/0* | tail -n 1)/metrics.json" > "metrics.$#"
  cmp -s metrics.1 "metrics.$#" || complain "$*: profile sees something else: $(cat "metrics.$#")"
}

tried profile
tried fault profile
tried fault profile validate
tried profile fault validate
tried fault validate profile
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Broken pipelines: each of broken/ has beside it, as .txt, all that the command says about it. A
# first line "# adze VERB [OPTION]..." is what is run in the place of `adze check`. With
# ADZE_UPDATE=1 the .txt are written anew: read each as somebody who knows nothing but it.
. "$(dirname "$0")/lib.sh"
parts_

cp -r "$here/broken" pipelines || exit 99
files_ pipelines
cd pipelines || exit 99
count=0
for file in *.toml; do
  name=${file%.toml}
  count=$((count + 1))
  command=$(sed -n '1s/^# adze //p' "$file")
  # shellcheck disable=SC2086
  set -- ${command:-check}
  verb=$1
  shift
  status=0
  # shellcheck disable=SC2086
  "$ADZE" $PARTS "$verb" "$file" "$@" > out 2> err < /dev/null || status=$?
  ran="adze $verb $file $*"
  { [ "$status" = 1 ] || [ "$status" = 2 ]; } || fail "the exit status should be 1 or 2"
  [ ! -s out ] || fail "standard output should be empty"
  # Where the files lie, which version this is, what else is installed and what the program takes of memory
  # differ.
  sed "s|$work/pipelines/||g; s|$work/||g; s|and adze [^ ]* reads|and adze VERSION reads|
    s|endings that are written: .*|endings that are written: ...|
    s|need [0-9.]* MB on one thread|need 31.5 MB on one thread|
    s|max-rss = .[0-9]* MB., or more|max-rss = \"32 MB\", or more|
    s|\(there is no backend .*; there are\): .*|\1: ...|" err > said
  if [ "${ADZE_UPDATE-}" = 1 ]; then
    cp said "$here/broken/$name.txt"
  elif ! diff -u "$name.txt" said > difference 2>&1; then
    fail "it should say what $name.txt says:"
    cat difference
  fi
done

# What a message calls NAME = VALUE is an option where there is no pipeline; and it helps.
expect 1 "$ADZE" convert add.onnx bare.safetensors
err_has "what to do: give it as --set drop-graph=true"
expect 0 "$ADZE" convert add.onnx bare.safetensors --set drop-graph=true
expect 1 "$ADZE" convert bare.safetensors bare.gguf
err_has "what to do: give it as --set architecture=llama"
expect 0 "$ADZE" convert bare.safetensors bare.gguf --set architecture=llama
# But what was given is no advice.
expect 1 "$ADZE" convert small.safetensors g-00001-of-00009.gguf --set architecture=llama \
  --set shard-size=300
err_has "and shard-size = 300 makes 3"
grep -q "give it as" err && fail "it was given"

# All mistakes are counted, and what is left out is said, also where one table has most of them.
for keys in 99 150; do
  { printf 'adze = 1\n[model]\npath = "small.safetensors"\n[[stage]]\nuse = "clip"\n'
    seq -f 'key-%g = 1' "$keys"; } > many.toml
  expect 1 "$ADZE" check many.toml
  case $keys in
    99) err_has "many.toml has 99 mistakes" ;;
    *) err_has "many.toml has 150 mistakes; these are the first 100 that were found" ;;
  esac
  err_has "'key-99' is neither a key of a stage"
done

# A name that a link has which leads nowhere is no other name, and neither is one that looks the same.
ln -s gone.safetensors dangling.safetensors
for name in dangling caf\\u00e9; do
  printf 'adze = 1\n[model]\npath = "%s.safetensors"\n[[stage]]\nuse = "profile"\n' "$name" > link.toml
  : > "$(printf 'caf\351.safetensors')"
  expect 1 "$ADZE" check link.toml
  case $name in
    d*) err_has "it is a link to gone.safetensors, which is not there" ;;
    *) err_has "has a name much like it that is not UTF-8" ;;
  esac
  err_lacks "did you mean"
done

[ "$count" -ge 60 ] || fail "there are $count broken pipelines, and should be 60"
cd "$work" || exit 99
done_

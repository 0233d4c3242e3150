#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The pipelines of docs/examples, all of them: as they are, but for a part of the data. fashion.toml makes the
# network that most others work on. Whatever technique or codec there is, one of them shows it.
. "$(dirname "$0")/runs-lib.sh"
[ -e /usr/share/datasets/fashion-mnist ] || {
  echo "needed is Debian's package dataset-fashion-mnist"
  exit 77
}
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backend=onednn
case " $ADZE_MISSING_PLUGINS " in *" onednn "*) backend=ref ;; esac
cd "$TOP_SRCDIR"/docs/examples || exit 99
cp ./*.toml ./*.csv ./*.dag ./*.json ./*.safetensors "$OLDPWD"
cd "$OLDPWD" || exit 99
# A language model, for mixture.toml.
language="width=256 ff=352 heads=4 keys=1 vocab=300 layers=4"
# shellcheck disable=SC2086
{
  "$TOP_BUILDDIR/tests/bench/llama-model-peer" model.gguf $language || exit 99
  "$TOP_BUILDDIR/tests/bench/llama-model-peer" model.imatrix $language imatrix=gguf || exit 99
}

# example NAME [OPTION...]: writes every output that it names.
example ()
{
  local name=$1 path part=
  shift
  ! grep -q '^\[data.train\]' "$name.toml" || part="--set data.train.part=[0.0,0.1]"
  must "$ADZE" run "$name.toml" --set run.backend=$backend $part "$@"
  for path in $(sed -n '/^\[\[output\]\]/,$s/^path = "\(.*\)"/\1/p' "$name.toml"); do
    [ -s "$path" ] || complain "$name.toml has not written $path"
  done
}

# side_by_side: the table of the last run, in the file "table".
side_by_side ()
{
  must "$ADZE" runs show
  sed -n '/^stages side by side/,/^[^ ]/p' must.out > table
}

example fashion --set stage.evaluate.require='"accuracy > 0.7"'
for file in *.toml; do
  name=${file%.toml}
  case $name in
    fashion | recipe) ;; # the first, and what recommend writes
    distill) # of a tenth of the data a teacher has not learnt what would be of use
      example distill --set stage.distill.require='"gain > -0.1"' --set stage.evaluate.require='"accuracy > 0.7"'
      ;;
    *) example "$name" ;;
  esac
  case $name in
    gguf-codecs | int | float | table)
      side_by_side
      grep -qE '^  accuracy( +0\.[0-9]+){3,4}$' table || complain "$name: no accuracies side by side: $(cat table)"
      ;;
    shrink)
      side_by_side
      head -n 2 table | tail -n 1 | grep -qE '^ +whole +pruned +trained +clustered +quantised$' \
        || complain "the table has not the five evaluations alone: $(cat table)"
      grep -qE '^  size +940584 +940584 +940584 +940584 +236340$' table || complain "no sizes: $(cat table)"
      [ $(($(stat -c %s fashion-int8.onnx) * 39 / 10)) -lt "$(stat -c %s fashion.onnx)" ] \
        || complain "codes of 8 bits are no quarter of the file"
      ;;
    nas-evolve)
      must "$ADZE" run front.toml
      [ -s front-1.onnx ] || complain "the recipe of nas-evolve builds no network"
      ;;
    recommend)
      must "$ADZE" run recipe.toml
      [ "$(stat -c %s fashion-mixed.onnx)" -lt 240000 ] || complain "the mix has more than 8 bits a number"
      ;;
  esac
done

# shown KIND WORDS EXCEPT...: each of the KIND stands behind WORDS (extended) in some example, but for those.
shown ()
{
  local kind=$1 words=$2 name
  shift 2
  must "$ADZE" list "$kind" --names
  [ -s must.out ] || complain "there is no $kind"
  while read -r name; do
    case " $* " in *" $name "*) continue ;; esac
    grep -qE "^ *$words.*\"$name\"" "$TOP_SRCDIR"/docs/examples/*.toml || complain "no example shows the $kind $name"
  done < must.out
}

# fault breaks runs on purpose, and libm-tanh is there to show what a manifest does.
shown technique 'use = ' fault libm-tanh
shown codec '(codec|candidates) = '
finish

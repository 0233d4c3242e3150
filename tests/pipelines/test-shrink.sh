#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The examples of the documents that make the network of fashion.toml smaller: step by step with a table of what
# each step has cost, and by a recipe. On a part of the data.
. "$(dirname "$0")/runs-lib.sh"
[ -e /usr/share/datasets/fashion-mnist ] || {
  echo "needed is Debian's package dataset-fashion-mnist"
  exit 77
}
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backend=onednn
case " $ADZE_MISSING_PLUGINS " in *" onednn "*) backend=ref ;; esac
cp "$TOP_SRCDIR"/docs/examples/{fashion,shrink,recommend}.toml .
part="--set run.backend=$backend --set data.train.part=[0.0,0.1]"
must "$ADZE" run fashion.toml $part --set stage.evaluate.require='"accuracy > 0.7"'

must "$ADZE" run shrink.toml $part
for file in pruned clustered int8; do
  [ -s fashion-$file.onnx ] || complain "fashion-$file.onnx was not written"
done
[ $(($(stat -c %s fashion-int8.onnx) * 39 / 10)) -lt "$(stat -c %s fashion.onnx)" ] \
  || complain "codes of 8 bits are no quarter of the file"
must "$ADZE" show fashion-int8.onnx
must "$ADZE" runs show
sed -n '/^stages side by side/,/^[^ ]/p' must.out > table
head -n 2 table | tail -n 1 | grep -qE '^ +whole +pruned +trained +clustered +quantised$' \
  || complain "the table has not the five evaluations alone: $(cat table)"
grep -qE '^  accuracy( +0\.[0-9]+){5}$' table || complain "no accuracies side by side: $(cat table)"
grep -qE '^  size +940584 +940584 +940584 +940584 +236340$' table || complain "no sizes: $(cat table)"

must "$ADZE" run recommend.toml
must "$ADZE" run recipe.toml
[ "$(stat -c %s fashion-mixed.onnx)" -lt 240000 ] || complain "the mix has more than 8 bits a number"
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# emotion-train in whole pipelines: the example learns; the same bytes with any number of threads, isolated, on both
# backends as good, after a kill as without; and what is refused.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
cp "$TOP_SRCDIR"/docs/examples/emotion{-train.toml,s.csv} .

must "$ADZE" run emotion-train.toml
mv emotions.safetensors first.safetensors
mv emotions.json first.json
must "$ADZE" run emotion-train.toml --fresh --set run.threads=3 --set stage.emotion-train.isolate=true
cmp emotions.safetensors first.safetensors || complain "threads, or a process of its own, make another model"
cmp emotions.json first.json || complain "threads, or a process of its own, make another report"
must "$ADZE" run emotion-train.toml --set seed=2
! cmp -s emotions.safetensors first.safetensors || complain "another seed makes the same model"

# ---- It learns. With what was learnt from, this is no test of how good it is on other texts.
must "$ADZE" run emotion-train.toml --set stage.emotion-train.folds=0 --set stage.emotion-train.epochs=40 \
  --set stage.emotion-train.held-out=0.5 --set stage.emotion-train.refit=false
f1=$("$ADZE" runs show | sed -n 's/^  emotion-train.macro-f1  *//p')
awk -v f1="$f1" 'BEGIN { exit !(f1 > 0.2 && f1 < 1) }' || complain "macro F1 on rows that were set aside is '$f1'"

# ---- Labels as numbers, and with other separators, mean the same.
python3 - << 'END' 2> /dev/null || complain "no python3"
import csv
rows = list(csv.reader(open("emotions.csv")))
names = ["anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"]
with open("numbers.csv", "w", newline="") as out:
    w = csv.writer(out, lineterminator="\n")
    w.writerow(rows[0])
    for text, labels in rows[1:]:
        w.writerow([text, "; ".join(str(names.index(n) + 1) for n in labels.split(", ")) if labels else "0"])
END
must "$ADZE" run emotion-train.toml --set data.sentences.path=numbers.csv
cmp emotions.safetensors first.safetensors || complain "labels that are numbers make another model"

# ---- Killed behind a fold, and gone on with.
slow="--set stage.emotion-train.epochs=200"
# shellcheck disable=SC2086
must "$ADZE" run emotion-train.toml $slow
mv emotions.safetensors long.safetensors
rm -rf adze-runs
# shellcheck disable=SC2086
"$ADZE" run emotion-train.toml $slow > /dev/null 2>&1 &
victim=$!
for _ in $(seq 500); do
  ! find adze-runs -name '*fold.0*' 2> /dev/null | grep -q . || break
  sleep 0.01
done
kill -9 $victim 2> /dev/null
wait $victim 2> /dev/null
# shellcheck disable=SC2086
must "$ADZE" run emotion-train.toml $slow
cmp emotions.safetensors long.safetensors || complain "a run that was killed makes another model when it goes on"

# ---- What is refused.
refuse ()
{
  local reason=$1
  shift
  must_fail "$reason" "$ADZE" run emotion-train.toml --fresh "$@"
}
refuse "has no column 'words'" --set stage.emotion-train.text=words
refuse "'pieces-from' is 6, and 'pieces-to' 5" --set stage.emotion-train.pieces-from=6
refuse "leave nothing of a text" --set stage.emotion-train.words=0 --set stage.emotion-train.pieces-to=0
refuse "'folds' is 1" --set stage.emotion-train.folds=1
refuse "'love' is no emotion" --set 'stage.emotion-train.numbers=["love"]'
printf 'text,labels\nhello,joy\nbye,love\n' > bad.csv
refuse "example 2 of its port 'data' has the label 'love'" --set data.sentences.path=bad.csv
printf 'text,labels\nhello,joy\nbye\377,fear\n' > bad.csv
refuse "example 2 of its port 'data' has a text that is no UTF-8: byte 4 of it" --set data.sentences.path=bad.csv
printf 'text,labels\nhello\303,joy\n' > bad.csv
refuse "it ends inside of a character" --set data.sentences.path=bad.csv
printf 'text,labels\nhello,joy\nbye,9\n' > bad.csv
refuse "has the label '9'" --set data.sentences.path=bad.csv
printf 'text,labels\nhello,joy\nbye,fear\n' > bad.csv
refuse "has 2 rows; at least 30 are needed" --set data.sentences.path=bad.csv
{ echo text,labels; for i in $(seq 40); do echo "hello $i,joy"; done; } > bad.csv
refuse "each of the 40 rows of its port 'data' has the emotion 'joy'" --set data.sentences.path=bad.csv
{ echo text,labels; for i in $(seq 40); do echo ",joy"; done; } > bad.csv
refuse "all texts of its port 'data' are empty" --set data.sentences.path=bad.csv

# ---- The default one is what its pipeline makes of XED, and its digest is the one that is told.
cd "$TOP_SRCDIR/share" || exit 99
sum=$(sha256sum emotion-default.safetensors | cut -d' ' -f1)
grep -q "$sum" emotion-default.md || complain "emotion-default.md has not the digest $sum"
[ "$(stat -c %s emotion-default.safetensors)" -le 1000000 ] || complain "the default classifier is above 1 MB"
cd "$OLDPWD" || exit 99
if [ -n "${ADZE_TEST_DATA-}" ] && [ -e "$ADZE_TEST_DATA/emotion-xed/train.tsv" ]; then
  mkdir default
  cp "$ADZE_TEST_DATA/emotion-xed/train.tsv" "$TOP_SRCDIR/share/emotion-default.toml" default
  must "$ADZE" run default/emotion-default.toml
  cmp default/emotion-default.safetensors "$TOP_SRCDIR/share/emotion-default.safetensors" \
    || complain "the pipeline makes another default classifier than the one that is there"
else
  echo "not tested: that XED gives the default classifier (needed is ADZE_TEST_DATA with emotion-xed)"
fi
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What changes while qat learns: rounding begins late, steps follow what is seen and then stay, batch normalisations keep
# their statistics, a teacher is listened to. With all of it together a run that was killed, and other numbers of threads,
# give the same bytes.
. "$(dirname "$0")/train-lib.sh"

# taught NAME MODEL [LINE...]: as learn does it, with qat.
taught ()
{
  learn "$@"
  sed -i 's/^use = "train"/use = "qat"/; s/^from = "train.report"/from = "qat.report"/' "$1.toml"
}

# losses NAME [COUNT]: those of its epochs, or of the first ones.
losses ()
{
  python3 -c 'import json, sys; print([e["loss"] for e in json.load(open(sys.argv[1]))["epochs"]][:int(sys.argv[2])])' \
    "$1-out.json" "${2:-99}"
}

differ () { [ "$1" != "$2" ] || complain "$3"; }
same () { [ "$1" = "$2" ] || complain "$3"; }

# ---- Nothing is rounded in front of the delay: it learns as train does, and then not.
learn plain mlp.onnx
must "$ADZE" run plain.toml
taught late mlp.onnx 'weights = "int2"' 'delay = 6' 'activations = "int8"'
must "$ADZE" run late.toml
same "$(losses plain 6)" "$(losses late 6)" "with delay = 6 the first 6 epochs are not those of train"
differ "$(losses plain 7)" "$(losses late 7)" "behind the delay nothing is rounded"
[ "$(weight late-out.onnx fc1.weight | fold -w 2 | sort -u | wc -l)" -le 4 ] || complain "2 bits have more than 4 codes"

# ---- Steps follow what is seen, and stay behind that.
scales () { weight "$1-out.onnx" fc1.weight.scale; }
for epochs in 2 3; do
  for observe in 0 1 2; do
    taught seen$observe-$epochs mlp.onnx 'weights = "int4"' 'activations = "int8"' 'learn-steps = false' \
      "observe = $observe"
    must "$ADZE" run seen$observe-$epochs.toml --set stage.qat.epochs=$epochs
  done
done
same "$(scales seen0-2)" "$(scales seen0-3)" "steps that nobody learns or observes have changed"
same "$(scales seen1-2)" "$(scales seen1-3)" "steps are observed beyond the epoch in which they are to be"
same "$(scales seen2-2)" "$(scales seen2-3)" "steps are observed beyond the second epoch"
differ "$(scales seen0-3)" "$(scales seen1-3)" "observed steps are the first ones"
differ "$(scales seen1-3)" "$(scales seen2-3)" "the second epoch is not observed"

# ---- Statistics of a batch normalisation stay from then on.
taught norm norm.onnx 'weights = "int4"' 'per = "tensor"'
for freeze in 0 1 2; do
  for epochs in 3 4; do
    must "$ADZE" run norm.toml --fresh --set stage.qat.freeze-norm=$freeze --set stage.qat.epochs=$epochs
    weight norm-out.onnx bn.mean > norm-$freeze-$epochs
    weight norm-out.onnx bn.scale > norm-scale-$freeze-$epochs
  done
  same "$(< norm-$freeze-3)" "$(< norm-$freeze-4)" "with freeze-norm = $freeze the fourth epoch changes statistics"
  differ "$(< norm-scale-$freeze-3)" "$(< norm-scale-$freeze-4)" "with freeze-norm = $freeze nothing learns"
done
same "$(< norm-0-3)" "$(weight norm.onnx bn.mean)" "with freeze-norm = 0 statistics are others than before"
differ "$(< norm-1-3)" "$(< norm-2-3)" "statistics of the second epoch do not count"

# ---- A teacher: its answers alone are enough.
cp plain-out.onnx teacher.onnx
taught pupil before.onnx 'weights = "int4"' 'inputs = { model = "input.model", teacher = "input.teacher" }' 'teacher-share = 1.0' 'temperature = 2'
printf '[input.teacher]\nkind = "model"\npath = "%s/teacher.onnx"\n[[stage]]\nuse = "evaluate"\ndata = "test"\n' "$PWD" >> pupil.toml
must "$ADZE" run pupil.toml
awk "BEGIN { exit !($(told evaluate.accuracy) >= 0.9) }" || complain "who listens to a teacher alone tells $(told evaluate.accuracy) right"
cp pupil-out.json alone.json
must "$ADZE" run pupil.toml --set stage.qat.teacher-share=0.5
cmp -s pupil-out.json alone.json && complain "labels count as much as they do not"

# ---- All of it at once: the same bytes with any threads, in a process of its own, and when it was killed.
all=('weights = "int4"' 'activations = "int8"' 'delay = 3' 'observe = 5' 'freeze-norm = 7' 'validation = "check"'
  'inputs = { model = "input.model", teacher = "input.teacher" }')
taught all norm.onnx "${all[@]}"
printf '[input.teacher]\nkind = "model"\npath = "%s/teacher.onnx"\n' "$PWD" >> all.toml
must "$ADZE" run all.toml --set run.threads=1
mv all-out.onnx one.onnx
for threads in 2 3; do
  must "$ADZE" run all.toml --fresh --set run.threads=$threads
  cmp all-out.onnx one.onnx || complain "with $threads threads the bytes are others"
done
must "$ADZE" run all.toml --fresh --set stage.qat.isolate=true
cmp all-out.onnx one.onnx || complain "in a process of its own the bytes are others"
mkdir -p killed
sed 's/^batch.*/&\ncheckpoint-steps = 2/' all.toml > killed/p.toml
for steps in 2 30 80; do
  rm -rf killed/adze-runs killed/all-out.*
  (cd killed && exec "$ADZE" run p.toml > /dev/null 2>&1) &
  victim=$!
  until [ "$(cat killed/adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge $steps ] || ! kill -0 $victim 2> /dev/null; do
    sleep 0.005
  done
  kill -9 $victim 2> /dev/null
  wait $victim 2> /dev/null
  (cd killed && must "$ADZE" run p.toml)
  cmp killed/all-out.onnx one.onnx || complain "a run that was killed behind $steps notes gives other bytes"
done

# ---- What plays no part is refused, and what does not fit.
must_fail "'delay' is 12 epochs, and there are 12" "$ADZE" plan late.toml --set stage.qat.delay=12
for observe in 0.5 6; do
  must_fail "'observe' is $observe epochs, and plays no part: 'delay' is 6" "$ADZE" plan late.toml --set stage.qat.observe=$observe
done
must "$ADZE" plan late.toml --set stage.qat.observe=6.5
must_fail "'freeze-norm' is given, and the network has no BatchNormalization" "$ADZE" run late.toml --set stage.qat.freeze-norm=3
must_fail "'teacher-share' is given, and there is no teacher" "$ADZE" run late.toml --set stage.qat.teacher-share=0.3
must_fail "needed is \"cross-entropy\"" "$ADZE" run pupil.toml --set 'stage.qat.loss="kl"'
must python3 "$networks" damaged before.onnx fc1.weight nan
sed -i "s@/teacher\.onnx@/damaged.onnx@" pupil.toml
must_fail "of the model at the port 'teacher', 'fc1.weight' has NaN at element 1" "$ADZE" run pupil.toml
finish

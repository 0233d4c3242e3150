#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# distill, from files to a file: each loss is the one that Python makes of the papers, teachers are asked once, labels
# of some examples count alone, and what cannot be done says why.
. "$(dirname "$0")/train-lib.sh"
distills="$TOP_SRCDIR/tests/pipelines/distills.py"
must python3 "$distills" make

# distil NAME STUDENT TEACHER [LINE...]: writes NAME.toml, which teaches STUDENT as the lines say, into NAME-out.onnx and
# NAME-out.json. TEACHER may be two, "a b".
distil ()
{
  local name=$1 student=$2 teachers=$3 port=teacher inputs='model = "input.model"'
  shift 3
  {
    head_ "$student"
    for teacher in $teachers; do
      printf '[input.%s]\nkind = "model"\npath = "%s/%s.onnx"\n' "$port" "$PWD" "$teacher"
      inputs="$inputs, $port = \"input.$port\""
      port=teacher2
    done
    printf '[data.few]\nuse = "idx"\nimages = "%s/dots-train-images.idx"\nlabels = "%s/dots-train-labels.idx"\nlimit = 5\n' \
      "$PWD" "$PWD"
    printf '[[stage]]\nuse = "distill"\ndata = "train"\nbatch = 20\nepochs = 12\nrate = 0.02\ninputs = { %s }\n' \
      "$inputs"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-out.onnx"\n[[output]]\npath = "%s-out.json"\nfrom = "distill.report"\n' \
      "$name" "$name"
  } > "$name.toml"
}

# first NAME STUDENT TEACHERS [LINE...]: what the loss is in front of the first step, of the first 20 examples.
first ()
{
  local name=$1
  distil "$@"
  sed -i 's/^shuffle = true/limit = 20/; s/^epochs.*/epochs = 1/; s/^rate.*/rate = 0.001/' "$name.toml"
  must "$ADZE" run "$name.toml"
  python3 -c 'import json, sys; print(repr(json.load(open(sys.argv[1]))["epochs"][0]["loss"]))' "$name-out.json"
}

# near WHAT FOUND WANTED
near ()
{
  awk "BEGIN { d = $2 - $3; exit !($3 != 0 && d < 2e-5 * $3 && d > -2e-5 * $3) }" \
    || complain "$1: the loss is $2, and Python says $3"
}

# ---- Each loss by itself, against Python.
only='hard = 0'
none='soft = 0'
hot='temperature = 3.0'
near soft "$(first soft mlp.onnx wise "$only" 'soft = 1' "$hot")" "$(python3 "$distills" loss mlp.onnx wise.onnx soft)"
near feature "$(first feature mlp.onnx wise "$only" "$none" 'feature = 1' 'feature-map = ["r -> r"]')" \
  "$(python3 "$distills" loss mlp.onnx wise.onnx feature)"
near attention "$(first attention conv.onnx eye "$only" "$none" 'attention = 1' 'attention-map = ["r -> r"]')" \
  "$(python3 "$distills" loss conv.onnx eye.onnx attention)"
near distance "$(first distance mlp.onnx wide "$only" "$none" 'distance = 1' 'relation-map = ["r -> r"]')" \
  "$(python3 "$distills" loss mlp.onnx wide.onnx distance)"
near angle "$(first angle mlp.onnx wide "$only" "$none" 'angle = 1' 'relation-map = ["r -> r"]')" \
  "$(python3 "$distills" loss mlp.onnx wide.onnx angle)"

# ---- Mixed: labels of all, or of some; two teachers.
sum ()
{
  local text=0
  while [ $# -gt 0 ]; do
    text="$text + $1 * $(python3 "$distills" loss $2)"
    shift 2
  done
  awk "BEGIN { printf \"%.17g\", $text }"
}
near mixed "$(first mixed mlp.onnx wise 'hard = 0.7' 'soft = 0.2' "$hot" 'feature = 0.5' 'feature-map = ["r -> r"]' \
  'distance = 2' 'angle = 3' 'relation-map = ["r -> r"]')" \
  "$(sum 0.7 "mlp.onnx wise.onnx hard" 0.2 "mlp.onnx wise.onnx soft" 0.5 "mlp.onnx wise.onnx feature" \
    2 "mlp.onnx wise.onnx distance" 3 "mlp.onnx wise.onnx angle")"
near few "$(first few mlp.onnx wise 'labelled = "few"' "$hot")" \
  "$(sum 0.5 "mlp.onnx wise.onnx few" 0.5 "mlp.onnx wise.onnx soft")"
near two "$(first two mlp.onnx "wise wide" "$only" 'soft = 1' "$hot" 'teacher-weights = [3, 1]')" \
  "$(python3 "$distills" loss mlp.onnx wise.onnx soft 0.75 wide.onnx)"

# ---- A teacher that knows, and a student that learns of it without a label.
learn teacher mlp.onnx
must "$ADZE" run teacher.toml
distil student mlp.onnx teacher-out "$only" 'validation = "check"'
cat >> student.toml << 'END'
[[stage]]
use = "evaluate"
data = "test"
END
must "$ADZE" run student.toml --set run.threads=1
awk "BEGIN { exit !($(told evaluate.accuracy) > 0.9) }" || complain "it has not learnt: $(told evaluate.accuracy)"
[ "$(told distill.asked)" = 202 ] || complain "the teacher was asked $(told distill.asked) times"
holds student-out.json 'r["gain"] == {"measured": False, "why": r["gain"]["why"]} and r["distillation"]["answers"] == 202'

# ---- The same bytes, with other threads, and without what is kept.
mv student-out.onnx one.onnx
mv student-out.json one.json
must "$ADZE" run student.toml --fresh --set run.threads=2
cmp student-out.onnx one.onnx || complain "threads are seen in the weights"
cmp student-out.json one.json || complain "threads are seen in the report"
must "$ADZE" run student.toml --set stage.distill.cache=false
cmp student-out.onnx one.onnx || complain "answers that are not kept are others"
[ "$(told distill.asked)" -ge $((12 * 202)) ] || complain "without a cache it was asked $(told distill.asked) times"

# ---- All losses, and a projection that is no part of what is given.
all="conv.onnx eye"
distil all $all 'feature = 0.5' 'feature-map = ["relu -> relu"]' 'attention = 1' 'attention-map = ["a -> a"]' \
  'distance = 1' 'angle = 1' 'relation-map = ["f -> f"]'
must "$ADZE" run all.toml
holds all-out.json 'r["epochs"][-1]["loss"] < 0.7 * r["epochs"][0]["loss"]'
holds all-out.json '[p["projected"] for p in r["distillation"]["pairs"]] == [True, False, False]'
grep -q projection all-out.onnx && complain "the projection was given"
distil plain conv.onnx eye
must "$ADZE" run plain.toml --set stage.distill.epochs=1
python3 -c 'import json; a, b = (json.load(open(n + "-out.json")) for n in ("all", "plain"))
assert (a["weights"], a["parameters"]) == (b["weights"], b["parameters"])' || complain "the projection is counted with the weights"
[ "$(weight all-out.onnx conv.weight)" != "$(weight conv.onnx conv.weight)" ] || complain "nothing was learnt"

# ---- Was it good for anything?
distil gain mlp.onnx teacher-out 'labelled = "few"' 'baseline = true' 'validation = "check"'
must "$ADZE" run gain.toml
holds gain-out.json 'r["gain"]["measured"] and r["gain"]["gain"] > 0.1 and r["gain"]["verdict"] == "gain"'
[ "$(told distill.labelled)" = 5 ] || complain "labelled are $(told distill.labelled)"
distil none mlp.onnx teacher-out 'baseline = true' 'validation = "check"'
must "$ADZE" run none.toml
holds none-out.json 'r["gain"]["verdict"] == "none"'
grep -q "no gain was seen from teachers" must.out || complain "nobody says that there is no gain: $(cat must.out)"
holds none-out.json "r['gain']['gain'] == $(told distill.gain)" # as the metric
[ -n "$(told distill.baseline)" ] || complain "the baseline is not told"

# ---- Killed in the baseline, behind the teachers' answers, and while the student learns, it goes on, asks nothing
# again, and gives the same bytes.
distil whole mlp.onnx teacher-out 'labelled = "few"' 'baseline = true' 'validation = "check"' 'checkpoint = 0' \
  'checkpoint-steps = 40'
sed -i 's/^epochs.*/epochs = 30/' whole.toml
must "$ADZE" run whole.toml
mkdir run
cp whole.toml run/p.toml
# Each checkpoint is two notes, of which the baseline has eight, and the answers are one.
for notes in 3 17 22; do
  "$ADZE" run run/p.toml > killed.out 2>&1 &
  victim=$!
  until [ "$(cat run/adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge $notes ] || ! kill -0 $victim 2> /dev/null; do
    sleep 0.002
  done
  kill -9 $victim 2> /dev/null
  wait $victim 2> /dev/null
  [ ! -e run/whole-out.onnx ] || complain "with $notes notes it was not killed, but done"
done
must "$ADZE" run run/p.toml
grep -q 'goes on from the checkpoint of step' run/adze-runs/*/events.jsonl || complain "nothing was gone on with"
cmp run/whole-out.onnx whole-out.onnx || complain "once killed, other weights"
cmp run/whole-out.json whole-out.json || complain "once killed, another report"
[ "$(cd run && told distill.asked)" = 0 ] || complain "once killed, the teacher was asked $(cd run && told distill.asked) times"

# ---- What cannot be done.
refused ()
{
  local words=$1
  shift
  distil bad "$@"
  must_fail "$words" "$ADZE" run bad.toml
}
refused "nothing would be learnt from a teacher" mlp.onnx wise "$none"
refused "parameter 'feature-map' is empty, and 'feature' is 1" mlp.onnx wise 'feature = 1'
refused "parameter 'feature-map' plays no part" mlp.onnx wise 'feature-map = ["r -> r"]'
refused "\"r = r\" is no pair" mlp.onnx wise 'feature = 1' 'feature-map = ["r = r"]'
refused "the student has no value, and no node, called 'q'; there are 'a', 'r', 'y'" mlp.onnx wise 'feature = 1' \
  'feature-map = ["q -> r"]'
refused "the model at the port 'teacher' has no value, and no node, called 'q'" mlp.onnx wise 'feature = 1' \
  'feature-map = ["r -> q"]'
refused "names the teacher 'teacher3', and nothing is bound to that port" mlp.onnx wise 'feature = 1' \
  'feature-map = ["r -> teacher3: r"]'
refused "they differ; projection = \"learned\"" mlp.onnx wide 'feature = 1' 'feature-map = ["r -> r"]' \
  'projection = "none"'
refused "parameter 'feature-map': the student's 'r' is [N, 12], and 'r' of the teacher at the port 'teacher' is [N, 5, 4, 4]" \
  mlp.onnx eye 'feature = 1' 'feature-map = ["r -> r"]'
refused "attention is where something is" mlp.onnx wise 'attention = 1' 'attention-map = ["r -> r"]'
refused "parameter 'temperature' is 2, and plays no part" mlp.onnx wise "$none" 'temperature = 2' 'distance = 1' \
  'relation-map = ["r -> r"]'
refused "parameter 'teacher-weights' has 1 numbers" mlp.onnx wise 'teacher-weights = [1]'
refused "nothing is asked of the teacher at the port 'teacher2'" mlp.onnx "wise wide" 'teacher-weights = [1, 0]'
refused "parameter 'baseline' is true, and nothing says how good" mlp.onnx wise 'baseline = true'
refused "the port 'labelled' says which labels count, and 'hard' is 0" mlp.onnx wise 'labelled = "few"' "$only"
refused "not among those bound to 'data'" mlp.onnx wise 'labelled = "test"'
for kind in distance angle; do
  distil bad mlp.onnx wise "$kind = 1" 'relation-map = ["r -> r"]'
  must_fail "'$kind' is 1, and plays no part: 'batch' is 2" "$ADZE" plan bad.toml --set stage.distill.batch=2
  must "$ADZE" plan bad.toml --set stage.distill.batch=3
done
distil bad mlp.onnx wise
sed -i 's/, teacher = [^ ]*//' bad.toml
must_fail "nothing is bound to its port 'teacher'" "$ADZE" run bad.toml

# A teacher that is damaged is refused, whatever comes of it: behind the Relu of some backends it looks sound.
must python3 "$distills" masked
for number in nan inf; do
  must python3 "$networks" damaged wise.onnx fc1.weight $number
  refused "'fc1.weight' has $([ $number = nan ] && echo NaN || echo 'an infinity, which a product takes,') at element 1: it is damaged" \
    mlp.onnx damaged
done
# One that says "never" is not.
distil masked mlp.onnx masked
must "$ADZE" run masked.toml --set stage.distill.epochs=1

# ---- onednn learns as well.
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "onednn was not built" ;;
  *)
    export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
    sed -i 's/^use = "distill"/&\nbackend = "onednn"/' all.toml
    must "$ADZE" run all.toml
    must python3 "$networks" damaged wise.onnx fc1.weight nan
    distil bad mlp.onnx damaged
    must_fail "'fc1.weight' has NaN" "$ADZE" run bad.toml --backend onednn
    holds all-out.json 'r["epochs"][-1]["loss"] < 0.7 * r["epochs"][0]["loss"] and r["protocol"]["backend"] == "onednn"'
    ;;
esac
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stages that compute with networks, in a process of their own: the same bytes as here, for each technique that learns;
# a process that is killed, or may have no more memory, is an error that names it; and what it saved is gone on from.
. "$(dirname "$0")/train-lib.sh"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backends=ref
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: onednn; it is not there" ;;
  *) backends="ref onednn" ;;
esac

# stage NAME USE [LINE...]: NAME.toml, in which USE works on a network; its model and report are written.
stage ()
{
  local name=$1 use=$2
  shift 2
  {
    head_ mlp.onnx
    [ "$use" != distill ] || printf '[input.wise]\nkind = "model"\npath = "%s/wise.onnx"\n' "$PWD"
    printf '[[stage]]\nuse = "%s"\nid = "it"\n' "$use"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-out.onnx"\nfrom = "it.model"\n[[output]]\npath = "%s-out.json"\nfrom = "it.report"\n' "$name" "$name"
  } > "$name.toml"
}

learn wise mlp.onnx
must "$ADZE" run wise.toml --set stage.train.epochs=3
cp wise-out.onnx wise.onnx

lesson='epochs = 2|batch = 16|data = "train"'
while IFS='|' read -ra words; do
  stage it "${words[@]}"
  for backend in $backends; do
    must "$ADZE" run it.toml --fresh --set run.backend=$backend
    for file in it-out.onnx it-out.json; do mv $file here-$file; done
    must "$ADZE" run it.toml --fresh --set run.backend=$backend --set stage.it.isolate=true
    for file in it-out.onnx it-out.json; do
      cmp $file here-$file || complain "${words[0]} on $backend: a process of its own is seen in $file"
    done
  done
done << END
train|$lesson|validation = "check"
qat|$lesson|weights = "int4"|activations = "int8"
distill|$lesson|inputs = { teacher = "input.wise", model = "input.model" }
prune-train|$lesson|begin = 0.1
quantize-static|data = "train"
quantize-gptq|data = "train"
hebbian|data = "train"|weights = ["fc1.weight"]|plasticity = "oja"
END

# What a stage behind it is given is what the process gave: a trait of it, too.
stage traits prune-train 'epochs = 2' 'batch = 16' 'data = "train"' 'begin = 0.1' 'isolate = true'
must "$ADZE" run traits.toml
must "$ADZE" show traits-out.onnx --json
grep -q 'adze.sparsity/1' must.out || complain "what the process said of its tensors is lost: $(cat must.out)"
must "$ADZE" plan traits.toml

# ---- It ends, and the run says so; what was saved is there when it is run again.
stage ends train 'epochs = 400' 'batch = 16' 'data = "train"' 'checkpoint-steps = 5' 'isolate = true'
must "$ADZE" run ends.toml --set stage.it.epochs=3
cp ends-out.onnx whole.onnx
rm -rf adze-runs
"$ADZE" run ends.toml > ends.out 2>&1 &
victim=$!
until [ "$(cat adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge 2 ] || ! kill -0 $victim 2> /dev/null; do
  sleep 0.005
done
worker=$(pgrep -P $victim) || complain "there is no process of its own: $(cat ends.out)"
for one in $worker; do kill -9 "$one"; done
wait $victim && complain "a run went on without the process that it runs in"
grep -q "the process that ran run of 'it' .* failed" ends.out || complain "nobody says what ended: $(cat ends.out)"
[ ! -e ends-out.onnx ] || cmp -s ends-out.onnx whole.onnx || complain "something stands under the name of the output"
stage little train 'epochs = 1' 'data = "train"' 'isolate = { memory = "8MB" }'
must_fail "memory limit" "$ADZE" run little.toml
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cluster in whole pipelines: the values are the best ones, traits are told, kept and lost as they should
# be, threads and processes change no byte.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/clusters.py"
must python3 "$TOP_SRCDIR/tests/pipelines/techniques.py" make
"$TOP_BUILDDIR/tests/pipelines/model-peer" small.safetensors 2 9 12 || exit 99
"$TOP_BUILDDIR/tests/pipelines/model-peer" sparse.safetensors 2 10 12 3 sparse || exit 99

# pipeline NAME MODEL [LINE...]: writes NAME.toml with one stage; the lines are its own.
pipeline ()
{
  local name=$1 model=$2
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s.safetensors"\n\n[[stage]]\nuse = "cluster"\n' "$name" "$model"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s-out.safetensors"\n' "$name"
  } > "$name.toml"
}

# ---- The best values, in all types that there are, whoever computes them.
pipeline best small 'k = 5' 'require = "tensors == 2 and packed-bytes == 122"'
must "$ADZE" run best.toml --set run.threads=1
for tensor in 0 1; do
  must python3 "$expect" small.safetensors best-out.safetensors layer.$tensor.weight 5
done
for wish in run.threads=3 stage.cluster.isolate=true; do
  mv best-out.safetensors best-one.safetensors
  must "$ADZE" run best.toml --fresh --set $wish
  cmp best-out.safetensors best-one.safetensors || complain "$wish is seen in the bytes"
done
must "$ADZE" why last layer.1.weight
for words in 'k = 5' 'packed-bytes = 61' 'entropy-coded-bytes = '; do
  grep -qF "$words" must.out || complain "why does not say '$words': $(cat must.out)"
done
grep -aqF '\"adze.codebook/1\": {\"k\": 5}' best-out.safetensors \
  || complain "the file does not say how many values there are"

# Integers pass, and halves have values of their own.
pipeline types a 'k = 3'
must "$ADZE" run types.toml
must python3 "$expect" a.safetensors types-out.safetensors layer.1.weight 3
must python3 "$expect" a.safetensors types-out.safetensors layer.0.bias 3

# What is drawn goes by the seed, and by nothing else.
pipeline drawn small 'k = 4' 'centroids = "random"' 'steps = 1'
must "$ADZE" run drawn.toml --set run.threads=1
mv drawn-out.safetensors drawn-one.safetensors
must "$ADZE" run drawn.toml --fresh --set run.threads=2
cmp drawn-out.safetensors drawn-one.safetensors || complain "threads are seen in what is drawn"
must "$ADZE" run drawn.toml --set seed=2
cmp -s drawn-out.safetensors drawn-one.safetensors && complain "the seed is not seen in what is drawn"

# ---- Traits.
pipeline zeros sparse 'k = 4'
must "$ADZE" run zeros.toml
must python3 "$expect" sparse.safetensors zeros-out.safetensors layer.0.weight 4 zeros
must python3 "$expect" sparse.safetensors zeros-out.safetensors layer.1.weight 4
grep -aqF 'adze.sparsity/1' zeros-out.safetensors || complain "the sparse tensor is no longer said to be sparse"
# What comes behind is held to the codebook.
printf 'adze = 1\nname = "behind"\n[model]\npath = "zeros-out.safetensors"\n[[stage]]\nuse = "cast"\nto = "f16"\n[[output]]\npath = "behind.safetensors"\n' > behind.toml
must "$ADZE" run behind.toml
grep -aqF 'adze.codebook/1' behind.safetensors || complain "the codebook is forgotten behind"
must "$ADZE" run zeros.toml --set stage.cluster.keep-zeros=never
grep -qF "no longer has adze.sparsity/1 (1 tensor)" must.out \
  || complain "nobody says that the zeros are lost: $(cat must.out)"
grep -aqF 'adze.sparsity/1' zeros-out.safetensors && complain "what is no longer sparse says it is"

# ---- Parts.
pipeline parts small 'k = 2' 'per = "channel"' 'require = "packed-bytes == 172"'
must "$ADZE" plan parts.toml
grep -q '9 x 2 values' must.out || complain "plan does not say what becomes of a tensor: $(cat must.out)"
must "$ADZE" run parts.toml
must_fail "'axis' is 7, and tensor 'layer.0.weight' has 2 dimensions" \
  "$ADZE" plan parts.toml --set stage.cluster.axis=7

# ---- Failures.
pipeline bad bad 'k = 4'
must_fail "tensor 'layer.0.weight': element 4321 is inf" "$ADZE" run bad.toml

# Rules say nothing that plays no part, and may say something else than the stage does.
while IFS='|' read -r of rule words; do
  pipeline said small ${of:+"$of"} '[[stage.rule]]' 'match = "layer.0.weight"' "$rule"
  if [ -n "$words" ]; then
    must_fail "$words" "$ADZE" plan said.toml
  else
    must "$ADZE" plan said.toml
  fi
done << END
bits = 4|k = 8|the parameters 'k' and 'bits' are both given
|group = 4|'group' is given, and says nothing to per = "tensor"
|axis = 1|'axis' is given, and says nothing to per = "tensor"
per = "channel"|group = 4|'group' is given, and says nothing to per = "channel"
k = 4|steps = 5|'steps' is given, and says nothing to centroids = "exact"
axis = 1|per = "tensor"|'axis' is given, and says nothing to per = "tensor"
per = "channel"|per = "tensor"|
END
sed -i 's/^per = "channel"/per = "channel"\naxis = 1/' said.toml
must "$ADZE" plan said.toml
pipeline said small 'bits = 4' '[[stage.rule]]' 'match = "layer.0.weight"' 'bits = 0' 'k = 8'
must "$ADZE" plan said.toml
finish

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mixtures and importance matrices: what is refused, with the reason, and what is told. That the bytes are those of
# llama.cpp, tests/clients/test-llama-quantize.sh sees.
. "$(dirname "$0")/runs-lib.sh"
make_model=$TOP_BUILDDIR/tests/bench/llama-model-peer
size="width=256 ff=256 heads=4 keys=4 vocab=40 layers=2"
# shellcheck disable=SC2086
{
  "$make_model" model.gguf $size || exit 99
  "$make_model" old.imatrix $size imatrix=old || exit 99
  "$make_model" new.imatrix $size imatrix=gguf || exit 99
  "$make_model" other.imatrix $size width=512 imatrix=old || exit 99
  "$make_model" fewer.imatrix $size layers=1 imatrix=gguf || exit 99
  "$make_model" narrow.gguf $size width=288 || exit 99
}

# pipeline MODEL OUTPUT: p.toml, the stage's settings from standard input.
pipeline ()
{
  {
    printf 'adze = 1\nname = "p"\n[model]\npath = "%s"\n[[stage]]\nuse = "quantize"\n' "$1"
    cat
    printf '[[output]]\npath = "%s"\n' "$2"
  } > p.toml
}

# One of both says how.
pipeline model.gguf out.gguf < /dev/null
must_fail "neither codec nor mixture" "$ADZE" plan p.toml
printf 'codec = "q8_0"\nmixture = "q4_k_m"\n' | pipeline model.gguf out.gguf
must_fail "both codec = \"q8_0\" and mixture = \"q4_k_m\"" "$ADZE" plan p.toml
printf 'mixture = "q4_k_m"\n[[stage.rule]]\nmatch = "blk.0.*"\nmixture = "q5_k_m"\n' | pipeline model.gguf out.gguf
must_fail "a mixture is one for the whole stage" "$ADZE" plan p.toml
must "$ADZE" convert model.gguf plain.safetensors

# A rule gives one tensor a codec, and the others are counted without it.
printf 'mixture = "q4_k_m"\n[[stage.rule]]\nmatch = "output.weight"\ncodec = "q8_0"\n' | pipeline model.gguf out.gguf
must "$ADZE" run p.toml
must "$ADZE" show out.gguf
grep -E 'output.weight' must.out | grep -q q8_0 || complain "the rule's codec should be used: $(cat must.out)"
grep -E 'token_embd.weight' must.out | grep -q q4_k || complain "the mixture's type should be used: $(cat must.out)"
first=$(sed -n 's/.*\(output_norm.weight\|blk.1.ffn_up.weight\).*/\1/p' must.out | head -n 1)
[ "$first" = output_norm.weight ] || complain "tensors of no layer should come first"

# The order can be that of the model.
sed -i 's/^path = "out.gguf"/&\norder = "kept"/' p.toml
rm -rf out.gguf adze-runs
must "$ADZE" run p.toml
must "$ADZE" show out.gguf
first=$(sed -n 's/.*\(output_norm.weight\|blk.1.ffn_up.weight\).*/\1/p' must.out | head -n 1)
[ "$first" = blk.1.ffn_up.weight ] || complain "the order should be kept"

# What has no metadata of a language model.
printf '{"w.weight":{"dtype":"F32","shape":[1,256],"data_offsets":[0,1024]}}' > head
{
  # shellcheck disable=SC2059
  printf "\\$(printf %03o "$(stat -c %s head)")\0\0\0\0\0\0\0"
  cat head
  head -c 1024 /dev/zero
} > none.safetensors
printf 'mixture = "q4_k_m"\n' | pipeline none.safetensors out.gguf
must_fail "this model has no general.architecture" "$ADZE" plan p.toml

# Rows that do not fit are a fallback.
printf 'mixture = "q4_k_m"\n' | pipeline narrow.gguf out.gguf
must_fail "asked for q4_k, it did q5_0 for 'token_embd.weight'" "$ADZE" run p.toml
printf 'codec = "q4_k"\n' | pipeline narrow.gguf out.gguf
must_fail "asked for q4_k, it did left as it is" "$ADZE" run p.toml
printf 'mixture = "q4_k_m"\non-fallback = "warn"\n' | pipeline narrow.gguf out.gguf
must "$ADZE" run p.toml
grep -q "q5_0" must.out || complain "the other type should be named"

# Importance: needed, of another model, of fewer tensors, and by a codec that does not heed it.
printf 'mixture = "q2_k_s"\n' | pipeline model.gguf out.gguf
must_fail "there is no imatrix" "$ADZE" plan p.toml
printf 'mixture = "q2_k_s"\nimatrix = "fewer.imatrix"\n' | pipeline model.gguf out.gguf
must_fail "imatrix has nothing of this tensor" "$ADZE" plan p.toml
printf 'mixture = "q4_k_m"\nimatrix = "other.imatrix"\n' | pipeline model.gguf out.gguf
must_fail "it is of another model" "$ADZE" plan p.toml
printf 'codec = "q8_0"\nimatrix = "old.imatrix"\n' | pipeline model.gguf out.gguf
must_fail "leave imatrix out" "$ADZE" plan p.toml
for form in old new; do
  printf 'codec = "q4_k"\nimatrix = "%s.imatrix"\n' $form | pipeline model.gguf $form.gguf
  must "$ADZE" run p.toml
done
cmp old.gguf new.gguf || complain "both forms say the same"
printf 'codec = "q4_k"\n' | pipeline model.gguf plain.gguf
must "$ADZE" run p.toml
! cmp -s old.gguf plain.gguf || complain "importance should change bytes"

# Files that are cut off, or something else, are refused with their names.
for file in old new; do
  whole=$(stat -c %s $file.imatrix)
  for length in 0 1 3 4 5 8 11 12 20 24 40 60 100 200 500 1000 $((whole / 2)) $((whole - 40)); do
    head -c "$length" $file.imatrix > cut.imatrix
    printf 'codec = "q4_k"\nimatrix = "cut.imatrix"\n' | pipeline model.gguf out.gguf
    must_fail "cut.imatrix" "$ADZE" plan p.toml
  done
done
cp model.gguf no.imatrix
printf 'codec = "q4_k"\nimatrix = "no.imatrix"\n' | pipeline model.gguf out.gguf
must_fail "has nothing of any tensor" "$ADZE" plan p.toml
head -c 100000 /dev/urandom > no.imatrix
must_fail "no.imatrix" "$ADZE" plan p.toml
finish

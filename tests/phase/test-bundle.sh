#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The techniques bundle-route and bundle-mend in a pipeline: what they write, and what they refuse.
. "$(dirname "$0")/lib.sh"
make_model model.gguf
make_model bare.gguf general.name llama.block_count tokenizer.ggml.eos_token_id
make_model nothing.gguf general.architecture

# pipeline MODEL LINES: runs one stage.
pipeline ()
{
  { printf 'adze = 1\n[model]\npath = "%s"\n[[stage]]\n' "$1"; printf '%s\n' "$2"; printf '[[output]]\npath = "out.gguf"\n'; } > p.toml
  rm -f out.gguf
}
route='use = "bundle-route"'

pipeline model.gguf "$route
name = \"sad\"
profile = { sadness = 1 }"
expect 0 "$ADZE" run p.toml
expect 0 "$ADZE" show out.gguf --json
json_is sad metadata adze.route.name
json_is 1 metadata adze.route.version
json_is sadness metadata adze.route.emotions 4
for key in description keywords speed quality; do out_lacks "adze.route.$key"; done
cp out.gguf first.gguf
expect 0 "$ADZE" run p.toml --fresh
cmp out.gguf first.gguf || fail "the same run should give the same bytes"
expect 1 "$ADZE" diff model.gguf out.gguf
out_has '21 of 21 tensors are identical'

refused ()
{
  expect 1 "$ADZE" run p.toml
  err_has "$2"
  [ ! -e out.gguf ] || fail "nothing should be written ($1)"
}
pipeline model.gguf "$route"; refused name name
pipeline model.gguf "$route
name = \"\""; refused empty "parameter 'name' is empty"
pipeline model.gguf "$route
name = \"a\"
profile = { joi = 1 }"; refused emotion "'joi' is none of the eight emotions"
pipeline model.gguf "$route
name = \"a\"
profile = { joy = 1.5 }"; refused range 1.5
pipeline model.gguf "$route
name = \"a\"
keywords = [\"b\", \"\"]"; refused keyword 'keyword 1 is empty'

mend='use = "bundle-mend"'
pipeline bare.gguf "$mend
name = \"given\""
expect 0 "$ADZE" run p.toml
expect 0 "$ADZE" show out.gguf --json
json_is given metadata general.name
json_is 2 metadata llama.block_count
json_is 40 metadata llama.vocab_size
json_is 0 metadata tokenizer.ggml.padding_token_id # there is no token that ends, and one that is unknown
json_is 64 metadata llama.context_length
mv out.gguf mended.gguf
# What is called a token and is none is not taken for one: a text, 2.0, -1, yes, 40 of 40; nor is it cut to what fits.
for eos in '8 010000000000000078' '6 00000040' '5 ffffffff' '11 ffffffffffffffff' '7 01' '4 28000000' '10 0200000001000000'; do
  EOS=$eos make_model odd.gguf general.name
  pipeline odd.gguf "$mend
name = \"odd\""
  expect 0 "$ADZE" run p.toml --fresh
  expect 0 "$ADZE" show out.gguf --json
  json_is 0 metadata tokenizer.ggml.padding_token_id
done
for eos in '5 02000000' '0 02' '10 0200000000000000'; do
  EOS=$eos make_model odd.gguf
  pipeline odd.gguf "$mend"
  expect 0 "$ADZE" run p.toml --fresh
  expect 0 "$ADZE" show out.gguf --json
  json_is 2 metadata tokenizer.ggml.padding_token_id
done
mkdir -p models/odd
EOS='8 010000000000000078' make_model models/odd/model.gguf
phase_of odd odd
expect 1 "$ADZE" phase validate odd
out_has 'wrong: tokenizer: tokenizer.ggml.eos_token_id is no whole number'
pipeline nothing.gguf "$mend"; refused architecture 'needed is general.architecture'
# What lacks nothing is not changed, and that is said.
pipeline mended.gguf "$mend
name = \"other\""; refused whole 'would change nothing'
done_

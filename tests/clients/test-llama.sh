#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# llama.cpp loads what we wrote, and says the same with it: a file written again, one that was
# safetensors in between, and one in several parts. What a cast of all tensors would make of it,
# where llama.cpp stops, is refused; with the rule that the refusal names, it speaks.
. "$(dirname "$0")/lib.sh"
need_module node-llama-cpp
[ -d "$modules/@node-llama-cpp" ] || skip_ "there is no build of llama.cpp in '$modules'"
need_data stories260k/stories260K-f32.gguf

cat > generate.mjs <<'END'
import { pathToFileURL } from "node:url";
const entry = `${process.env.ADZE_NODE_MODULES}/node-llama-cpp/dist/index.js`;
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry));
const llama = await getLlama({ gpu: false, build: "never", progressLogs: false,
                               logLevel: LlamaLogLevel.error, maxThreads: 1 });
for (const modelPath of process.argv.slice(2)) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 128, threads: 1 });
  const prompt = [model.tokens.bos, ...model.tokenize("Once upon a time")];
  const given = [];
  for await (const token of context.getSequence().evaluate(prompt, { temperature: 0 })) {
    given.push(token);
    if (given.length >= 60) break;
  }
  console.log(given.join(" "));
  await context.dispose();
  await model.dispose();
}
await llama.dispose();
END

expect 0 "$ADZE" convert "$data" again.gguf
expect 0 "$ADZE" convert "$data" between.safetensors
expect 0 "$ADZE" convert between.safetensors back.gguf
expect 0 "$ADZE" convert "$data" part-00001-of-00005.gguf --set shard-size=300000
expect 0 node generate.mjs "$data" again.gguf back.gguf part-00001-of-00005.gguf
[ "$(wc -l < out)" = 4 ] || fail "there should be four lines"
[ "$(sort -u out | wc -l)" = 1 ] || fail "the lines should be the same"
[ "$(head -n 1 out | wc -w)" -ge 20 ] || fail "a line should have twenty tokens at least"

for to in f16 bf16; do
  cat > p.toml <<END
adze = 1
[model]
path = "$data"
[[stage]]
use = "cast"
to = "$to"
[[output]]
path = "$to.gguf"
END
  expect 1 "$ADZE" plan p.toml
  err_has 'would become'
  sed -i 's/^to = .*/&\n[[stage.rule]]\nmatch = "{*norm*,*.bias}"\nskip = true/' p.toml
  expect 0 "$ADZE" run p.toml
  expect 0 node generate.mjs "$to.gguf"
  [ "$(wc -w < out)" -ge 20 ] || fail "$to should say twenty tokens at least"
done
done_

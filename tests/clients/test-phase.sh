#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What adze phase builds and deploys: llama.cpp loads it and speaks, and @huggingface/gguf finds the routing metadata.
. "$(dirname "$0")/lib.sh"
[ "${ADZE_SHARED-}" != no ] || done_
need_module node-llama-cpp
[ -d "$modules/@node-llama-cpp" ] || skip_ "there is no build of llama.cpp in '$modules'"
need_module @huggingface/gguf
need_data stories260k/stories260K-f32.gguf
PATH=$TOP_BUILDDIR/hosts/phase:$PATH

cat > look.mjs <<'END'
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
const modules = process.env.ADZE_NODE_MODULES;
const { gguf } = await import(pathToFileURL(`${modules}/@huggingface/gguf/dist/index.mjs`));
const { metadata, tensorInfos } = await gguf(resolve(process.argv[2]), { allowLocalFile: true });
for (const key of Object.keys(metadata).filter((name) => name.startsWith("adze.route.")))
  console.log(key, JSON.stringify(metadata[key]));
console.log("padding", metadata["tokenizer.ggml.padding_token_id"]);
console.log("tensors", tensorInfos.length);
END
cat > speak.mjs <<'END'
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
const entry = `${process.env.ADZE_NODE_MODULES}/node-llama-cpp/dist/index.js`;
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry));
const llama = await getLlama({ gpu: false, build: "never", progressLogs: false,
                               logLevel: LlamaLogLevel.error, maxThreads: 1 });
for (const modelPath of process.argv.slice(2)) {
  const model = await llama.loadModel({ modelPath: resolve(modelPath), gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 128, threads: 1 });
  const prompt = [model.tokens.bos, ...model.tokenize("Once upon a time")];
  const given = [];
  for await (const token of context.getSequence().evaluate(prompt, { temperature: 0 })) {
    given.push(token);
    if (given.length >= 30) break;
  }
  console.log(model.detokenize(given).replaceAll("\n", " "));
  await context.dispose();
  await model.dispose();
}
await llama.dispose();
END

mkdir -p models/stories models/plain
cp "$data" models/stories/model.gguf
cp "$data" models/plain/model.gguf
expect 0 "$ADZE" phase create one
expect 0 "$ADZE" phase add one stories models/stories --description 'Tells stories' --keyword dragon --keyword castle \
  --emotion joy=0.75 --emotion anticipation=1 --speed 12.5 --quality 0.5
expect 0 "$ADZE" phase add one plain models/plain
for domain in stories plain; do
  expect 0 "$ADZE" phase status one $domain --set complete
done
expect 0 "$ADZE" phase build one --quiet
expect 0 "$ADZE" phase deploy one target

expect 0 node look.mjs target/current/stories.gguf
for line in 'adze.route.version 1' 'adze.route.name "stories"' 'adze.route.description "Tells stories"' \
  'adze.route.keywords ["dragon","castle"]' 'adze.route.profile [0.75,0,0,0,0,0,0,1]' 'adze.route.speed 12.5' \
  'adze.route.quality 0.5' 'padding 2' 'tensors 48' \
  'adze.route.emotions ["joy","trust","fear","surprise","sadness","disgust","anger","anticipation"]'; do
  out_has "$line"
done
expect 0 node speak.mjs target/current/stories.gguf target/current/plain.gguf
[ "$(wc -l < out)" = 2 ] || fail "both models should speak"
[ "$(sort -u out | wc -l)" = 1 ] || fail "both should say the same: their weights are"
[ "$(head -n 1 out | wc -w)" -ge 12 ] || fail "a story should have a dozen words"
done_

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# @huggingface/gguf finds the same in what we wrote as in the file that it came from.
. "$(dirname "$0")/lib.sh"
need_module @huggingface/gguf
need_data stories260k/stories260K-f32.gguf

cat > parse.mjs <<'END'
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
const entry = `${process.env.ADZE_NODE_MODULES}/@huggingface/gguf/dist/index.mjs`;
const { gguf } = await import(pathToFileURL(entry));
const found = await gguf(resolve(process.argv[2]), { typedMetadata: true, allowLocalFile: true });
const plain = (key, value) => (typeof value === "bigint" ? `${value}n` : value);
console.log(JSON.stringify({ values: found.typedMetadata, tensors: found.tensorInfos,
                             data: found.tensorDataOffset }, plain, 1));
END

expect 0 node parse.mjs "$data"
cp out original
grep -q '"blk.4.ffn_up.weight"' original || fail "the parser should find the tensors"
expect 0 "$ADZE" convert "$data" between.safetensors
expect 0 "$ADZE" convert between.safetensors back.gguf
expect 0 node parse.mjs back.gguf
cmp out original || fail "values and tensors should be the same"

# A model that never was GGUF.
python3 - <<'END' || skip_ "there is no python3"
import json, struct
head = json.dumps({"__metadata__": {"note": "caf\u00e9"},
                   "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                   "h": {"dtype": "BF16", "shape": [5], "data_offsets": [24, 34]}}).encode()
open("own.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + bytes(range(34)))
END
expect 0 "$ADZE" convert own.safetensors own.gguf --set architecture=llama
expect 0 node parse.mjs own.gguf
out_has '"café"'
out_has '"llama"'
out_has '"name": "h"'
done_

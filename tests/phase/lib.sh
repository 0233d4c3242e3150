# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of adze phase share. The model is that of the tests, small, unless a test says otherwise.
. "$TOP_SRCDIR/tests/cli/lib.sh"
# adze-phase is no part of a static build.
[ "${ADZE_SHARED-}" != no ] || done_
PATH=$TOP_BUILDDIR/hosts/phase:$PATH
[ -x "$TOP_BUILDDIR/hosts/phase/adze-phase" ] || {
  echo "there is no adze-phase; build it first"
  exit 99
}

# make_model FILE [KEY...]: a language model of a few kilobytes, without the keys of its metadata that are named.
# It has no padding token in any case. FAMILY=phi3, mamba or openelm: laid out as models of that family are: the gate
# in the same tensor as the way up, no attention and no inner layer, counts for each layer. EOS="TYPE BYTES": the token
# that ends a text, as GGUF has it, bytes in hexadecimal.
make_model ()
{
  python3 - "$@" <<'END' || exit 99
import os, random, struct, sys
text = lambda s: struct.pack("<Q", len(s.encode())) + s.encode()
width, inner, tokens, layers = 32, 64, 40, 2
strings = lambda items: struct.pack("<IQ", 8, len(items)) + b"".join(map(text, items))
numbers = lambda kind, letter, items: struct.pack("<IQ", kind, len(items)) + struct.pack(f"<{len(items)}{letter}", *items)
words = ["<unk>", "<s>", "</s>"] + [f"w{i}" for i in range(tokens - 3)]
values = {
  "general.architecture": (8, text("llama")), "general.name": (8, text("small")),
  "llama.context_length": (4, struct.pack("<I", 64)), "llama.embedding_length": (4, struct.pack("<I", width)),
  "llama.block_count": (4, struct.pack("<I", layers)), "llama.feed_forward_length": (4, struct.pack("<I", inner)),
  "llama.attention.head_count": (4, struct.pack("<I", 4)),
  "llama.attention.layer_norm_rms_epsilon": (6, struct.pack("<f", 1e-5)),
  "tokenizer.ggml.model": (8, text("llama")), "tokenizer.ggml.tokens": (9, strings(words)),
  "tokenizer.ggml.scores": (9, numbers(6, "f", [0.0] * tokens)),
  "tokenizer.ggml.token_type": (9, numbers(5, "i", [1] * tokens)),
  "tokenizer.ggml.bos_token_id": (4, struct.pack("<I", 1)), "tokenizer.ggml.eos_token_id": (4, struct.pack("<I", 2)),
  "tokenizer.ggml.unknown_token_id": (4, struct.pack("<I", 0)),
}
family = os.environ.get("FAMILY", "llama")
values = {key.replace("llama.", family + ".", 1): value for key, value in values.items()}
values["general.architecture"] = (8, text(family))
each = ("attention.head_count", "feed_forward_length") if family == "openelm" else ()
for key in each:
  values["openelm." + key] = (9, numbers(4, "I", [{"a": 4, "f": inner}[key[0]]] * layers))
if family == "mamba":
  for key in "attention.head_count", "feed_forward_length":
    values["mamba." + key] = (4, struct.pack("<I", 0))
if "EOS" in os.environ:
  kind, data = os.environ["EOS"].split()
  values["tokenizer.ggml.eos_token_id"] = (int(kind), bytes.fromhex(data))
for key in sys.argv[2:]:
  del values[key]
tensors = [("token_embd.weight", (width, tokens)), ("output_norm.weight", (width,)), ("output.weight", (width, tokens))]
for i in range(layers):
  square = [(f"blk.{i}.attn_{n}.weight", (width, width)) for n in ("q", "k", "v", "output")]
  tensors += square + [(f"blk.{i}.attn_norm.weight", (width,)), (f"blk.{i}.ffn_norm.weight", (width,)),
    (f"blk.{i}.ffn_up.weight", (width, inner)), (f"blk.{i}.ffn_gate.weight", (width, inner)),
    (f"blk.{i}.ffn_down.weight", (inner, width))]
if family == "phi3":
  tensors = [(n, (width, 2 * inner) if "ffn_up" in n else s) for n, s in tensors if "ffn_gate" not in n]
if family == "mamba":
  tensors = [(n, s) for n, s in tensors if "ffn" not in n and ("attn" not in n or "norm" in n)]
random.seed(sys.argv[1])
head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
for key, (kind, data) in values.items():
  head += text(key) + struct.pack("<I", kind) + data
body = b""
for name, shape in tensors:
  count = shape[0] * (shape[1] if len(shape) > 1 else 1)
  head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", 0, len(body))
  body += struct.pack(f"<{count}f", *[random.gauss(0, 1) for _ in range(count)])
open(sys.argv[1], "wb").write(head + b"\0" * (-len(head) % 32) + body)
END
}

# phase_of NAME DOMAIN...: a phase whose domains are complete, each with a model in models/DOMAIN.
phase_of ()
{
  local name=$1 domain
  shift
  "$ADZE" phase create "$name" || exit 99
  for domain; do
    mkdir -p "models/$domain"
    ls "models/$domain/"*.gguf > /dev/null 2>&1 || make_model "models/$domain/model.gguf"
    "$ADZE" phase add "$name" "$domain" "models/$domain" || exit 99
    "$ADZE" phase status "$name" "$domain" --set complete || exit 99
  done
}

# whole FOLDER: every file of a bundle is what its manifest says, and there is no other.
whole ()
{
  python3 - "$1" <<'END'
import hashlib, json, os, sys
folder = sys.argv[1]
manifest = json.load(open(os.path.join(folder, "manifest.json")))
wanted = {"manifest.json"} | {domain["file"] for domain in manifest["domains"]}
assert set(os.listdir(folder)) == wanted, os.listdir(folder)
for domain in manifest["domains"]:
    data = open(os.path.join(folder, domain["file"]), "rb").read()
    assert hashlib.sha256(data).hexdigest() == domain["sha256"], domain["file"]
    assert len(data) == domain["bytes"], domain["file"]
END
}

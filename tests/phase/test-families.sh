#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase and models of families that are laid out in other ways, or quantized before: they are no worse for it.
. "$(dirname "$0")/lib.sh"
for family in phi3 mamba openelm; do
  mkdir -p models/$family
  FAMILY=$family make_model models/$family/model.gguf
  phase_of $family $family
  expect 0 "$ADZE" phase validate $family
  out_lacks configuration
  expect 0 "$ADZE" phase build $family --quiet
done
FAMILY=phi3 make_model models/phi3/model.gguf phi3.feed_forward_length
expect 0 "$ADZE" phase validate phi3
out_has 'phi3.feed_forward_length is missing, and is 64 by the tensors'
expect 0 "$ADZE" phase build phi3 --quiet
expect 0 "$ADZE" show adze-phases/built/phi3/2/phi3.gguf --json
json_is 64 metadata phi3.feed_forward_length
# One that was quantized before has nothing more to lose.
mkdir models/quantized
cp adze-phases/built/phi3/2/phi3.gguf models/quantized/model.gguf
phase_of quantized quantized
expect 0 "$ADZE" phase build quantized
err_has 'quantized: stays as it is: it is quantized already'
expect 1 "$ADZE" diff models/quantized/model.gguf adze-phases/built/quantized/1/quantized.gguf
out_has 'tensors are identical'
# Of a model that was split each file is named in the manifest, with its checksum.
mkdir -p models/split
make_model model.gguf
for count in 2 3 4 5 6 7 8; do
  "$ADZE" convert model.gguf "models/split/s-00001-of-0000$count.gguf" --set shard-size=40000 > out 2> err && break
done
phase_of split split
expect 0 "$ADZE" phase build split --quiet
python3 - <<'END' || fail "all files that it was made from should be in the manifest"
import hashlib, json, os
sources = json.load(open("adze-phases/built/split/1/manifest.json"))["domains"][0]["sources"]
assert len(sources) > 1 and sorted(s["file"] for s in sources) == sorted(os.listdir("models/split")), sources
for source in sources:
    data = open("models/split/" + source["file"], "rb").read()
    assert source["bytes"] == len(data) and source["sha256"] == hashlib.sha256(data).hexdigest(), source
END
done_

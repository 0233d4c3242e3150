#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks that torch exports give what torch gives, at each opset that it exports, on each backend that
# there is, and with another batch than they were exported with.
. "$(dirname "$0")/models-lib.sh"
need_python
python=/usr/bin/python3
$python -c 'import torch' 2> /dev/null || skip_ "there is no torch in $python (Debian: python3-torch)"
$python -c 'import onnx' 2> /dev/null || skip_ "there is no onnx in $python (Debian: python3-onnx)"

expect 0 $python "$here/torch-cases.py" cases
tail -n 1 out
like_others cases
done_

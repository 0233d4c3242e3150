#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What ONNX itself says of networks that were built from a list of layers, and of one made smaller.
. "$(dirname "$0")/runs-lib.sh"
. "$TOP_SRCDIR/tests/pipelines/networks-lib.sh"
/usr/bin/python3 -c 'import onnx' 2> /dev/null || { echo "needed is python3-onnx"; exit 77; }

networks_
smaller_
for name in $networks smaller; do
  must "$ADZE" run "$name.toml"
done
/usr/bin/python3 - << 'END' || complain "onnx refuses a network"
import onnx

def look(name):
    model = onnx.load(name + ".onnx")
    onnx.checker.check_model(model, full_check=True)
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    sizes = graph.input[0].type.tensor_type.shape.dim
    assert sizes[0].dim_param == "batch", name
    assert [o.name for o in graph.output] == ["output"], name
    return model.graph, graph.output[0].type.tensor_type.shape.dim[-1].dim_value

for name, last in {"cnn": 10, "mlp": 10, "words": 5, "waves": 3, "lstm": 2}.items():
    assert look(name)[1] == last, name
drops = [n for n in look("cnn")[0].node if n.op_type == "Dropout"]
assert len(drops) == 1
graph, last = look("smaller")
assert last == 10
assert not {"BatchNormalization", "Dropout"} & {n.op_type for n in graph.node}
END
finish

# SPDX-License-Identifier: Apache-2.0
# onnx-models.py make FOLDER          writes models with something of everything
# onnx-models.py compare [A B]...     is B equal to A in content, and as sound as A for the checker?
import os
import sys

import numpy
import onnx
from onnx import TensorProto, checker, external_data_helper, helper, numpy_helper


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def floats(name, *shape):
    count = int(numpy.prod(shape))
    return numpy_helper.from_array(
        (numpy.arange(count, dtype=numpy.float32) / 7 - 1).reshape(shape), name)


def model(nodes, inputs, outputs, initializers=(), **more):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=list(initializers),
                              doc_string="a graph")
    made = helper.make_model(graph, producer_name="adze", doc_string="a model", **more)
    made.ir_version = 8
    return made


def opset(domain="", version=17):
    return helper.make_opsetid(domain, version)


def perceptron():
    """Initialisers in raw_data, float_data and int64_data; one that is an input as well."""
    made = model(
        [helper.make_node("Reshape", ["x", "shape"], ["flat"]),
         helper.make_node("Gemm", ["flat", "w1", "b1"], ["h"], name="first"),
         helper.make_node("Relu", ["h"], ["r"]),
         helper.make_node("Gemm", ["r", "w2", "b2"], ["y"], transB=1)],
        [value("x", [2, 2, 4]), value("b1", [16])], [value("y", [2, 3])],
        [floats("w1", 8, 16), floats("b1", 16), floats("w2", 3, 16),
         helper.make_tensor("b2", TensorProto.FLOAT, [3], [0.5, -0.5, 1]),
         helper.make_tensor("shape", TensorProto.INT64, [2], [2, -1])],
        opset_imports=[opset()])
    helper.set_model_props(made, {"author": "nobody", "empty": "", "a": "b" * 200})
    return made


def branches():
    """Weights in the branches of an If, some under the same names, and in nodes Constant."""
    def branch(factor):
        constant = helper.make_node("Constant", [], ["k"],
                                    value=numpy_helper.from_array(numpy.full(300, factor, numpy.float32)))
        out = "out%d" % factor
        return helper.make_graph([constant, helper.make_node("Mul", ["k", "n"], ["m"]),
                                  helper.make_node("Add", ["m", "x"], [out])],
                                 "branch%d" % factor, [], [value(out, [300])], [floats("n", 300)])
    return model([helper.make_node("If", ["c"], ["y"], then_branch=branch(2), else_branch=branch(3))],
                 [value("c", [], TensorProto.BOOL), value("x", [300])], [value("y", [300])],
                 opset_imports=[opset()])


def kinds():
    """Every type that numpy helps with, in typed fields and in raw_data; texts."""
    nodes, outputs, initializers = [], [], []
    for kind in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16, 8):
        name = TensorProto.DataType.Name(kind)
        numbers = [b"a", b"b", b""] if kind == 8 else [1, 0, 1]
        initializers.append(helper.make_tensor(name, kind, [3], numbers))
        if kind not in (8, 16):
            kept = numpy_helper.to_array(initializers[-1])
            initializers.append(numpy_helper.from_array(kept, name + "-raw"))
        nodes.append(helper.make_node("Identity", [name], [name + "-out"]))
        outputs.append(value(name + "-out", [3], kind))
    return model(nodes, [], outputs, initializers, opset_imports=[opset()])


def everything():
    """Custom domains, functions, sparse initialisers, training, annotations, unknown fields."""
    made = model([helper.make_node("Odd", ["x", "w"], ["z"], domain="org.example", alpha=1.5,
                                   tensor=floats("t", 4), words=["a", "b"], numbers=[1, 2]),
                  helper.make_node("Twice", ["z"], ["y"], domain="own")],
                 [value("x", [2])], [value("y", None)], [floats("w", 2)],
                 opset_imports=[opset(), opset("org.example", 3), opset("own", 1)])
    function = made.functions.add()
    function.name, function.domain = "Twice", "own"
    function.input.append("a")
    function.output.append("b")
    function.opset_import.extend([opset()])
    function.node.append(helper.make_node("Constant", [], ["two"], value=floats("", 1)))
    function.node.append(helper.make_node("Mul", ["a", "two"], ["b"]))
    sparse = made.graph.sparse_initializer.add()
    sparse.values.CopyFrom(floats("s", 2))
    sparse.indices.CopyFrom(numpy_helper.from_array(numpy.array([1, 3])))
    sparse.dims.extend([5])
    annotation = made.graph.quantization_annotation.add()
    annotation.tensor_name = "w"
    training = made.training_info.add()
    training.algorithm.name = "step"
    training.algorithm.initializer.append(floats("rate", 1))
    return made


def make(folder):
    made = {"perceptron": perceptron(), "branches": branches(), "kinds": kinds(),
            "everything": everything()}
    for name, one in made.items():
        onnx.save(one, os.path.join(folder, name + ".onnx"))
    # A field of a later ONNX: number 300, text.
    with open(os.path.join(folder, "later.onnx"), "wb") as file:
        file.write(perceptron().SerializeToString() + b"\xe2\x12\x05later")
    for name, whole in (("outside", True), ("files", False)):
        below = os.path.join(folder, name)
        os.mkdir(below)
        one = branches()
        one.graph.initializer.extend([floats("large", 1000), floats("larger", 2000)])
        onnx.save_model(one, os.path.join(below, name + ".onnx"), save_as_external_data=True,
                        all_tensors_to_one_file=whole, location="weights.bin" if whole else None,
                        size_threshold=100, convert_attribute=True)


DATA = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data",
        "external_data", "data_location")


def take(tensor, values):
    if tensor.data_type == TensorProto.STRING:
        return
    values.append(numpy_helper.to_array(tensor).tobytes())
    for field in DATA:
        tensor.ClearField(field)


def take_all(graph, values):
    for tensor in graph.initializer:
        take(tensor, values)
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                take(attribute.t, values)
            if attribute.HasField("g"):
                take_all(attribute.g, values)
            for inner in attribute.graphs:
                take_all(inner, values)


def content(path):
    """The numbers of all weights, and all else as bytes."""
    one = onnx.load(path)
    values = []
    take_all(one.graph, values)
    return values, one.SerializeToString()


def is_sound(path):
    try:
        checker.check_model(path)
        return None
    except Exception as error:  # the checker's errors have several types
        return str(error)


def compare(paths):
    failed = 0
    for before, after in zip(paths[::2], paths[1::2]):
        if content(before) != content(after):
            print("%s is not what %s was" % (after, before))
            failed = 1
        said = is_sound(after)
        if said and not is_sound(before):
            print("the checker refuses %s: %s" % (after, said))
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(make(sys.argv[2]) if sys.argv[1] == "make" else compare(sys.argv[2:]))

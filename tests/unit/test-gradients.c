/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against what a small step to either side changes, in double precision, and second
 * derivatives likewise; these also against closed forms. */
#include "gradient-tests.h"
#include "gradient-nodes.h"

static void
elementwise (void **state)
{
  static const problem problems[] = {
    { "Add", "f2,3 f3", "", -2, 2 },
    { "Sub", "f2,1,3 f4,1", "", -2, 2 },
    { "Mul", "f2,3 f2,3", "", -2, 2 },
    { "Mul", "f3 f2,3", "", -2, 2 },
    { "Div", "f2,3 f1,3", "", .5, 2 },
    { "Pow", "f2,3 f3", "", .5, 2 },
    { "Pow", "f2,3 i3:3,2,-1", "", .5, 2 },
    { "Pow", "f2,3 i1:3", "", -2, -.5 },
    { "Max", "f2,3 f2,3 f3", "", -2, 2 },
    { "Min", "f2,3 f2,3", "", -2, 2 },
    { "Sum", "f2,3 f3 f1", "", -2, 2 },
    { "Mean", "f2,3 f3", "", -2, 2 },
    { "Identity", "f2,3", "", -2, 2 },
    { "Neg", "f2,3", "", -2, 2 },
    { "Abs", "f2,3", "", -2, 2 },
    { "Exp", "f2,3", "", -2, 2 },
    { "Log", "f2,3", "", .5, 2 },
    { "Sqrt", "f2,3", "", .5, 2 },
    { "Reciprocal", "f2,3", "", .5, 2 },
    { "Sin", "f2,3", "", -2, 2 },
    { "Cos", "f2,3", "", -2, 2 },
    { "Tan", "f2,3", "", -1, 1 },
    { "Sinh", "f2,3", "", -2, 2 },
    { "Cosh", "f2,3", "", -2, 2 },
    { "Tanh", "f2,3", "", -2, 2 },
    { "Asin", "f2,3", "", -.8, .8 },
    { "Acos", "f2,3", "", -.8, .8 },
    { "Atan", "f2,3", "", -2, 2 },
    { "Asinh", "f2,3", "", -2, 2 },
    { "Acosh", "f2,3", "", 1.5, 3 },
    { "Atanh", "f2,3", "", -.8, .8 },
    { "Erf", "f2,3", "", -2, 2 },
    { "Sigmoid", "f2,3", "", -2, 2 },
    { "Softplus", "f2,3", "", -2, 2 },
    { "Softsign", "f2,3", "", -2, 2 },
    { "Relu", "f4,3", "", -2, 2 },
    { "adze.ReluGrad", "f4,3 f4,3", "", -2, 2 },
    { "LeakyRelu", "f4,3", "alpha=.125", -2, 2 },
    { "PRelu", "f4,3 f3", "", -2, 2 },
    { "Elu", "f4,3", "alpha=.5", -2, 2 },
    { "Celu", "f4,3", "alpha=.5", -2, 2 },
    { "Selu", "f4,3", "", -2, 2 },
    { "HardSigmoid", "f4,3", "", -4, 4 },
    { "HardSwish", "f4,3", "", -4, 4 },
    { "ThresholdedRelu", "f4,3", "alpha=.5", -2, 2 },
    { "Shrink", "f4,3", "lambd=.5", -2, 2 },
    { "Floor", "f4,3", "", -2, 2 },
    { "Ceil", "f4,3", "", -2, 2 },
    { "Round", "f4,3", "", -2, 2 },
    { "Sign", "f4,3", "", -2, 2 },
    { "EyeLike", "f3,3", "", -2, 2 },
    { "Mod", "f2,3 f3", "fmod=1", .3, 3 },
    { "Clip", "f4,3", "", -2, 2 },
    { "Clip", "f4,3 f -", "", -2, 2 },
    { "Clip", "f4,3 - f", "", -2, 2 },
    { "Where", "b2,3:1,0,0,1,1,0 f2,3 f3", "", -2, 2 },
    { "Where", "b3:1,0,1 f2,1 f2,3", "", -2, 2 },
    { "CastLike", "f2,3 f1", "", -2, 2 },
    { "Cast", "f2,3", "to=11", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
products_and_sums (void **state)
{
  static const problem problems[] = {
    { "MatMul", "f2,3 f3,4", "", -2, 2 },
    { "MatMul", "f5,2,3 f3,4", "", -2, 2 },
    { "MatMul", "f2,1,2,3 f5,3,4", "", -2, 2 },
    { "MatMul", "f3 f3,4", "", -2, 2 },
    { "MatMul", "f2,3 f3", "", -2, 2 },
    { "MatMul", "f3 f3", "", -2, 2 },
    { "MatMul", "f5,2,3 f3", "", -2, 2 },
    { "Gemm", "f2,3 f3,4 f4", "", -2, 2 },
    { "Gemm", "f3,2 f3,4 f2,1", "transA=1 alpha=.5 beta=.25", -2, 2 },
    { "Gemm", "f2,3 f4,3", "transB=1", -2, 2 },
    { "Gemm", "f3,2 f4,3 f1", "transA=1 transB=1 alpha=2.0", -2, 2 },
    { "ReduceSum", "f2,3,4 i1:1", "keepdims=0", -2, 2 },
    { "ReduceSum", "f2,3,4", "", -2, 2 },
    { "ReduceMean", "f2,3,4", "axes=0,2 keepdims=0", -2, 2 },
    { "ReduceMean", "f2,3,4", "keepdims=0", -2, 2 },
    { "ReduceMax", "f2,3,4", "axes=-1, keepdims=0", -2, 2 },
    { "ReduceMin", "f2,3,4", "axes=1,", -2, 2 },
    { "ReduceSumSquare", "f2,3,4", "axes=1, keepdims=0", -2, 2 },
    { "ReduceL1", "f2,3,4", "axes=1,", -2, 2 },
    { "ReduceL2", "f2,3,4", "axes=1,2", -2, 2 },
    { "ReduceLogSum", "f2,3", "axes=1,", .5, 2 },
    { "ReduceLogSumExp", "f2,3", "axes=1, keepdims=0", -2, 2 },
    { "ReduceProd", "f2,3,4", "axes=1, keepdims=0", -2, 2 },
    { "ReduceProd", "f2,3,4", "axes=-1,0", -2, 2 },
    { "ReduceProd", "z2,5", "", -2, 2 },
    { "ReduceProd", "z3,4", "axes=1,", -2, 2 },
    { "LpNormalization", "f2,3,4", "axis=1", -2, 2 },
    { "LpNormalization", "f2,3", "p=1", .5, 2 },
    { "Einsum", "f2,3 f3,4", "equation='ij,jk->ik'", -2, 2 },
    { "Einsum", "f2,3 f3,4", "equation='ij,jk'", -2, 2 },
    { "Einsum", "f2,2,3 f2,4,3", "equation='bid,bjd->bij'", -2, 2 },
    { "Einsum", "f2,3", "equation='ij->j'", -2, 2 },
    { "Einsum", "f3,3", "equation='ii->i'", -2, 2 },
    { "Einsum", "f3,3", "equation='ii'", -2, 2 },
    { "Einsum", "f2,3,3 f2", "equation='bii,b->b'", -2, 2 },
    { "Einsum", "f2,2,3 f3,4", "equation='...ij,jk->...ik'", -2, 2 },
    { "Einsum", "f3,3,2 f3,4", "equation='i...j,ik->...jk'", -2, 2 },
    { "Einsum", "f2,2,3 f2,1,3", "equation='...j,...j->...'", -2, 2 },
    { "Einsum", "f2,2,3 f1,3", "equation='...j,...j->'", -2, 2 },
    { "Einsum", "f2,2,3", "equation='i...->i'", -2, 2 },
    { "Einsum", "f2 f3 f2,3", "equation='i,j,ij->'", -2, 2 },
    { "Softmax", "f2,3,4", "axis=1", -2, 2 },
    { "LogSoftmax", "f2,3,4", "axis=-1", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
moved_values (void **state)
{
  static const problem problems[] = {
    { "Reshape", "f2,3 i2:3,2", "", -2, 2 },
    { "Flatten", "f2,3,2", "axis=2", -2, 2 },
    { "Squeeze", "f2,1,3 i1:1", "", -2, 2 },
    { "Unsqueeze", "f2,3 i2:0,3", "", -2, 2 },
    { "Transpose", "f2,3,4", "perm=2,0,1", -2, 2 },
    { "Transpose", "f2,3,4", "", -2, 2 },
    { "Concat", "f2,3 f2,1 f2,4", "axis=1", -2, 2 },
    { "Split:2", "f2,5 i2:2,3", "axis=1", -2, 2 },
    { "Slice", "f4,5 i2:1,-1 i2:4,-6 i2:0,1 i2:2,-2", "", -2, 2 },
    { "Gather", "f4,3 i2,2:0,2,2,1", "", -2, 2 },
    { "Gather", "f2,4 i3:3,0,3", "axis=1", -2, 2 },
    { "GatherElements", "f3,3 i2,3:0,1,2,2,0,0", "", -2, 2 },
    { "GatherND", "f3,3 i2,2:0,1,2,2", "", -2, 2 },
    { "ScatterElements", "f3,3 i2,3:0,1,2,2,0,0 f2,3", "reduction='add'", -2, 2 },
    { "Expand", "f2,1 i2:2,3", "", -2, 2 },
    { "Tile", "f2,3 i2:2,2", "", -2, 2 },
    { "CumSum", "f2,3 i:1", "", -2, 2 },
    { "Trilu", "f3,3", "upper=0", -2, 2 },
    { "DepthToSpace", "f1,4,2,2", "blocksize=2", -2, 2 },
    { "SpaceToDepth", "f1,1,4,2", "blocksize=2", -2, 2 },
    { "ReverseSequence", "f3,2 i2:2,3", "", -2, 2 },
    { "Pad", "f2,3 i4:1,0,2,1", "", -2, 2 },
    { "Pad", "f2,3 i4:1,-1,0,2 f", "", -2, 2 },
    { "Pad", "f3,4 i4:1,2,2,3", "mode='reflect'", -2, 2 },
    { "Pad", "f3,2 i4:2,1,0,3", "mode='edge'", -2, 2 },
    { "CumSum", "f2,3 i:0", "exclusive=1 reverse=1", -2, 2 },
    { "Slice", "f3,4 i1:1 i1:3 i1:1", "", -2, 2 },
    { "GatherND", "f2,3,2 i2,1:2,0", "batch_dims=1", -2, 2 },
    { "ScatterElements", "f3,3 i1,3:2,0,1 f1,3", "", -2, 2 },
    { "ScatterElements", "f3,4 i3,2:3,0,1,2,0,3 f3,2", "axis=1", -2, 2 },
    { "ScatterND", "f4,3 i2,1:2,0 f2,3", "", -2, 2 },
    { "ScatterND", "f3,3 i2,2:0,1,0,1 f2", "reduction='add'", -2, 2 },
    { "TopK:2", "f3,5 i1:2", "", -2, 2 },
    { "TopK:2", "f4,3 i1:3", "axis=0 largest=0", -2, 2 },
    { "Compress", "f3,4 b3:1,0,1", "axis=0", -2, 2 },
    { "Compress", "f2,3 b5:1,0,0,1,1", "", -2, 2 },
    { "OneHot", "i3:1,0,-1 i:4 f2", "", -2, 2 },
    { "OneHot", "i3:1,0,2 i1:3 f2", "axis=0", -2, 2 },
    { "adze.GatherGrad", "f2,3 i2:2,0 f4,3", "axis=0", -2, 2 },
    { "adze.SumTo", "f2,3,4 f3,1", "", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

static void
networks (void **state)
{
  static const problem problems[] = {
    { "Conv", "f2,3,5 f4,3,3 f4", "pads=1,1", -2, 2 },
    { "Conv", "f1,2,5,4 f3,2,3,2 f3", "strides=2,1 pads=1,0,1,1", -2, 2 },
    { "Conv", "f1,4,5,5 f4,2,2,2", "group=2 dilations=2,2", -2, 2 },
    { "Conv", "f1,1,3,3,3 f2,1,2,2,2", "", -2, 2 },
    { "MaxPool", "f1,2,4,4", "kernel_shape=2,2 strides=2,2", -2, 2 },
    { "MaxPool", "f1,1,5,5", "kernel_shape=3,3 pads=1,1,1,1", -2, 2 },
    { "AveragePool", "f1,2,5,5", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", -2, 2 },
    { "AveragePool", "f1,2,4", "kernel_shape=2, count_include_pad=1 pads=1,0", -2, 2 },
    { "GlobalAveragePool", "f2,3,2,2", "", -2, 2 },
    { "LayerNormalization", "f2,3,4 f4 f4", "", -2, 2 },
    { "LayerNormalization", "f2,3,4 f3,4", "axis=1", -2, 2 },
    { "InstanceNormalization", "f2,3,4 f3 f3", "", .5, 2 },
    { "SoftmaxCrossEntropyLoss", "f4,3 i4:0,2,1,1", "", -2, 2 },
    { "SoftmaxCrossEntropyLoss", "f4,3 i4:0,2,-1,1", "ignore_index=-1 reduction='sum'", -2, 2 },
    { "SoftmaxCrossEntropyLoss", "f2,3,2 i2,2:0,2,1,1", "reduction='none'", -2, 2 },
    { "NegativeLogLikelihoodLoss", "f4,3 i4:0,2,1,1", "", -2, 2 },
    { "NegativeLogLikelihoodLoss", "f2,3,2 i2,2:0,2,1,1", "reduction='sum'", -2, 2 },
    { "Dropout", "f2,3", "", -2, 2 },
    { "adze.Drop", "f3,5 i:7", "ratio=.5 seed=3", -2, 2 },
    { "BatchNormalization", "f4,3,2 f3 f3 f3 f3", "epsilon=.25", .5, 2 },
    { "BatchNormalization", "f4,3 f3 f3 f3 f3", "", .5, 2 },
    { "MeanVarianceNormalization", "f2,3,2,2", "", -2, 2 },
    { "MeanVarianceNormalization", "f2,3,4", "axes=0,2", -2, 2 },
    { "LRN", "f2,4,3", "size=3 alpha=.5 beta=.75 bias=1.5", -2, 2 },
    { "LRN", "f1,5,2,2", "size=2 alpha=1.0", -2, 2 },
    { "ConvTranspose", "f2,3,4 f3,2,3 f2", "", -2, 2 },
    { "ConvTranspose", "f1,2,3,4 f2,2,3,2 f2", "strides=2,2 pads=1,0,1,1 output_padding=1,0", -2, 2 },
    { "ConvTranspose", "f1,4,3,3 f4,1,2,2", "group=2 dilations=2,1", -2, 2 },
    { "ConvTranspose", "f1,2,4 f2,1,3", "strides=2, auto_pad='SAME_UPPER'", -2, 2 },
    { "ConvTranspose", "f1,1,3 f1,1,4", "strides=2, output_shape=7,", -2, 2 },
    { "adze.ConvGradInput", "f1,3,4 f3,2,2 f1,2,5", "", -2, 2 },
    { "adze.ConvGradWeight", "f1,3,4 f1,2,5 f3,2,2", "", -2, 2 },
    { "adze.MaxPoolGrad", "f1,2,2 f1,2,4", "kernel_shape=2, strides=2,", -2, 2 },
    { "adze.AveragePoolGrad", "f1,2,2 f1,2,4", "kernel_shape=2, strides=2,", -2, 2 },
    { "LpPool", "f1,2,5", "kernel_shape=2, strides=2, pads=1,0", -2, 2 },
    { "LpPool", "f1,1,4,4", "kernel_shape=3,2 p=3", .5, 2 },
    { "LpPool", "f1,1,6", "kernel_shape=3, p=1", -2, 2 },
    { "GlobalMaxPool", "f2,3,2,2", "", -2, 2 },
    { "GlobalLpPool", "f2,3,4", "", -2, 2 },
    { "GlobalLpPool", "f2,3,2,2", "p=3", .5, 2 },
    { "MaxUnpool", "f1,2,2 i1,2,2:0,3,5,6", "kernel_shape=2, strides=2,", -2, 2 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* Steps, batch and inputs first; each with something that the one before has not. */
static void
recurrent_nets (void **state)
{
  static const problem problems[] = {
    { "RNN:2", "f3,2,3 f1,2,3 f1,2,2", "hidden_size=2", -1, 1 },
    { "RNN:2", "f3,2,3 f2,2,3 f2,2,2 f2,4 n2:3,1 f2,2,2",
      "hidden_size=2 direction='bidirectional' activations='Affine','ScaledTanh' "
      "activation_alpha=.5,.75 activation_beta=.25,1.5", -1, 1 },
    { "RNN:2", "f2,1,2 f1,3,2 f1,3,3 f1,6 - f1,1,3",
      "hidden_size=3 direction='reverse' activations='LeakyRelu', activation_alpha=.125,", -1, 1 },
    { "GRU:2", "f3,2,3 f1,6,3 f1,6,2", "hidden_size=2", -1, 1 },
    { "GRU:2", "f2,2,2 f1,6,2 f1,6,2 f1,12 - f1,2,2", "hidden_size=2 linear_before_reset=1", -1, 1 },
    { "GRU:2", "f3,2,2 f2,6,2 f2,6,2 f2,12 n2:3,2 f2,2,2",
      "hidden_size=2 direction='bidirectional' clip=.75", -1, 1 },
    { "GRU:2", "f2,3,2 f1,6,2 f1,6,2 f1,12 - f2,1,2", "hidden_size=2 layout=1", -1, 1 },
    { "LSTM:3", "f3,2,3 f1,8,3 f1,8,2", "hidden_size=2", -1, 1 },
    { "LSTM:3", "f3,2,2 f1,8,2 f1,8,2 f1,16 - f1,2,2 f1,2,2 f1,6", "hidden_size=2", -1, 1 },
    { "LSTM:3", "f3,2,2 f2,8,2 f2,8,2 f2,16 n2:2,3 f2,2,2 f2,2,2 f2,6",
      "hidden_size=2 direction='bidirectional' input_forget=1", -1, 1 },
    { "LSTM", "f2,2,2 f1,8,2 f1,8,2 - - - - f1,6", "hidden_size=2 direction='reverse' clip=.5", -1, 1 },
    { "LSTM:3", "f2,3,2 f2,8,2 f2,8,2 f2,16 - f2,2,2",
      "hidden_size=2 direction='bidirectional' layout=1", -1, 1 },
  };
  check_all (state, problems, ADZE_COUNT_OF (problems));
}

/* ---- Random shapes, stretched to each other in all ways that there are. */

static unsigned
pick (unsigned *seed, unsigned count)
{
  return (unsigned)draw (seed, 0, count);
}

/* Dimensions FIRST to RANK - 1 of SHAPE, some of them 1. */
static void
stretched_text (unsigned *seed, const unsigned *shape, unsigned first, unsigned rank, char *into)
{
  *into++ = 'f';
  for (unsigned d = first; d < rank; d++)
    into += sprintf (into, "%s%u", d > first ? "," : "", pick (seed, 3) ? shape[d] : 1);
  *into = 0;
}

static void
random_shapes (void **state)
{
  static const struct {
    const char *op, *attributes;
    double low, high;
    unsigned least, most;
  } ops[] = {
    { "Add", "", -2, 2, 2, 2 },
    { "Sub", "", -2, 2, 2, 2 },
    { "Mul", "", -2, 2, 2, 2 },
    { "Div", "", .5, 2, 2, 2 },
    { "Pow", "", .5, 2, 2, 2 },
    { "Mod", "fmod=1", .3, 3, 2, 2 },
    { "Max", "", -2, 2, 1, 3 },
    { "Min", "", -2, 2, 1, 3 },
    { "Sum", "", -2, 2, 1, 4 },
    { "Mean", "", -2, 2, 1, 4 },
    { "Tanh", "", -2, 2, 1, 1 },
    { "Softmax", "", -2, 2, 1, 1 },
    { "LogSoftmax", "axis=0", -2, 2, 1, 1 },
    { "ReduceProd", "", -2, 2, 1, 1 },
    { "ReduceMax", "keepdims=0", -2, 2, 1, 1 },
  };
  unsigned seed = 3;
  for (size_t i = 0; i < 12 * ADZE_COUNT_OF (ops); i++) {
    unsigned n = (unsigned)(i % ADZE_COUNT_OF (ops)), shape[4], rank = 1 + pick (&seed, 4);
    unsigned count = ops[n].least + pick (&seed, ops[n].most - ops[n].least + 1);
    char inputs[128] = "";
    for (unsigned d = 0; d < rank; d++)
      shape[d] = 1 + pick (&seed, 3);
    for (unsigned k = 0; k < count; k++) {
      char *end = inputs + strlen (inputs);
      stretched_text (&seed, shape, count > 1 ? pick (&seed, rank + 1) : 0, rank, end + (k > 0));
      if (k)
        *end = ' ';
    }
    const problem p = { .op = ops[n].op, .inputs = inputs, .attributes = ops[n].attributes,
                        .low = ops[n].low, .high = ops[n].high };
    check_all (state, &p, 1);
  }
}

/* ---- Second derivatives. */

/* d2f / da db of a graph that MAKE makes of the scalars a and b. */
static double
second (const engine *e, uint32_t (*make) (adze_graph *graph, uint32_t a, uint32_t b), double a,
        double b, bool mixed)
{
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t x[2], first, twice;
  must (adze_graph_new ("second", &graph));
  must (adze_graph_add_input (graph, "a", f64, 0, NULL, &x[0]));
  must (adze_graph_add_input (graph, "b", f64, 0, NULL, &x[1]));
  uint32_t f = make (graph, x[0], x[1]);
  must (adze_graph_differentiate (graph, f, &x[0], 1, &first));
  must (adze_graph_differentiate (graph, first, &x[mixed], 1, &twice));
  must (adze_graph_add_output (graph, twice));
  ADZE_AUTO_EXECUTABLE executable = compile_on (e, graph);
  adze_view views[] = { { .data = &a, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64 },
                        { .data = &b, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = f64 } };
  const adze_view *inputs[] = { &views[0], &views[1] }, *output;
  must (adze_execute (executable, inputs, &output));
  return *(const double *)adze_view_data (output);
}

static uint32_t
op2 (adze_graph *graph, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  return add_op (graph, op, inputs, b == ADZE_NONE ? 1 : 2, NULL, 0);
}

static uint32_t
cube (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Mul", op2 (graph, "Mul", op2 (graph, "Mul", a, a), a), b);
}

static uint32_t
exponential_sine (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Mul", op2 (graph, "Exp", a, ADZE_NONE), op2 (graph, "Sin", b, ADZE_NONE));
}

static uint32_t
logistic (adze_graph *graph, uint32_t a, uint32_t b)
{
  return op2 (graph, "Softplus", op2 (graph, "Mul", a, b), ADZE_NONE);
}

static void
near_to (double found, double wanted)
{
  if (fabs (found - wanted) > 1e-8)
    fail_msg ("a second derivative is %.12g, not %.12g", found, wanted);
}

static void
second_derivatives (void **state)
{
  const double a = 0.7, b = -1.3, s = 1 / (1 + exp (-a * b));
  near_to (second (*state, cube, a, b, false), 6 * a * b);
  near_to (second (*state, cube, a, b, true), 3 * a * a);
  near_to (second (*state, exponential_sine, a, b, false), exp (a) * sin (b));
  near_to (second (*state, exponential_sine, a, b, true), exp (a) * cos (b));
  near_to (second (*state, logistic, a, b, false), b * b * s * (1 - s));
  near_to (second (*state, logistic, a, b, true), s + a * b * s * (1 - s));
}

/* ---- What cannot be. */

static void
what_has_no_gradient_is_named (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t x, gradient;
  int64_t shape[] = { 4 };
  (void)state;
  must (adze_graph_new ("none", &graph));
  must (adze_graph_add_input (graph, "x", f64, 1, shape, &x));
  ADZE_AUTO_ERROR not_one = adze_graph_differentiate (graph, x, &x, 1, &gradient);
  assert_non_null (not_one);
  assert_non_null (strstr (adze_error_message (not_one), "'x' is not one float"));
  uint32_t most = add_op (graph, "Hardmax", &x, 1, NULL, 0);
  int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  uint32_t sum = add_op (graph, "ReduceSum", &most, 1, &attribute, 1);
  ADZE_AUTO_ERROR none = adze_graph_differentiate (graph, sum, &x, 1, &gradient);
  assert_non_null (none);
  assert_non_null (strstr (adze_error_message (none), "(Hardmax) cannot be differentiated"));
}

/* ---- */

/* The last one: whoever adds a rule adds a line to a table above. */
static void
every_rule_was_checked (void **state)
{
  (void)state;
  const adze_operator *at;
  for (size_t i = 0; (at = adze_operator_at (i)); i++) {
    const adze_gradient_rule *rule = adze_gradient_rule_find (at->domain, at->name);
    bool found = !rule;
    for (size_t k = 0; k < checked_count; k++)
      found = found || checked[k] == rule;
    if (!found)
      fail_msg ("the rule of %s %s is in no table of this test", at->domain, at->name);
  }
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (elementwise),
    cmocka_unit_test (products_and_sums),
    cmocka_unit_test (moved_values),
    cmocka_unit_test (networks),
    cmocka_unit_test (recurrent_nets),
    cmocka_unit_test (random_shapes),
    cmocka_unit_test (second_derivatives),
    cmocka_unit_test (what_has_no_gradient_is_named),
    cmocka_unit_test (dropped_values),
    cmocka_unit_test (batch_statistics),
    cmocka_unit_test (what_looks_at_no_numbers_gives_zeros),
    cmocka_unit_test (what_the_table_says_nobody_computes),
    cmocka_unit_test (ties_are_shared),
    cmocka_unit_test (a_length_of_zero_has_slope_zero),
    cmocka_unit_test (branches),
    cmocka_unit_test (every_rule_was_checked),
  };
  return cmocka_run_group_tests_name ("gradients", tests, engine_open, engine_close);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: what a layer is.
 *
 *   words.c           from a line of words to a layer
 *   shapes.c          which shape each gives, and whether it can be
 *   nodes.c           layers as nodes of ONNX
 *   nodes_norm.c      normalisations
 *   nodes_sequence.c  those for sequences: attention, recurrent nets
 *   initial.c         the numbers that weights begin with
 *   build-model.c     the technique
 */
#ifndef BUILD_MODEL_LAYERS_H
#define BUILD_MODEL_LAYERS_H

#include <adze/sdk.h>

/* Dimensions of what flows, the batch not among them. */
enum { BUILD_RANK = 4, BUILD_SPATIAL = 2, BUILD_TEXT = 200 };

/* A dimension, at most: products of four of them are looked at before they are used. */
#define BUILD_MOST INT32_MAX

typedef enum build_kind {
  BUILD_DENSE,
  BUILD_CONV,
  BUILD_POOL,
  BUILD_NORM,
  BUILD_FLATTEN,
  BUILD_DROPOUT,
  BUILD_EMBEDDING,
  BUILD_POSITION,
  BUILD_ATTENTION,
  BUILD_LSTM,
  BUILD_GRU,
  BUILD_MEAN,
  BUILD_RESIDUAL,
  BUILD_ACTIVATION
} build_kind;

typedef enum build_activation {
  BUILD_NONE,
  BUILD_RELU,
  BUILD_GELU,
  BUILD_SIGMOID,
  BUILD_TANH,
  BUILD_SILU,
  BUILD_SOFTMAX
} build_activation;

typedef enum build_norm {
  BUILD_NORM_BATCH,
  BUILD_NORM_LAYER,
  BUILD_NORM_GROUP,
  BUILD_NORM_INSTANCE
} build_norm;

typedef enum build_initial {
  BUILD_HE_NORMAL,
  BUILD_HE_UNIFORM,
  BUILD_XAVIER_NORMAL,
  BUILD_XAVIER_UNIFORM,
  BUILD_LECUN_NORMAL,
  BUILD_LECUN_UNIFORM,
  BUILD_FAN_IN_UNIFORM, /* biases, too */
  BUILD_NORMAL,
  BUILD_UNIFORM,
  BUILD_ORTHOGONAL,
  BUILD_ZEROS,
  BUILD_ONES
} build_initial;

/* In the order of build_initial. */
#define BUILD_INITIALS \
  "he-normal|he-uniform|xavier-normal|xavier-uniform|lecun-normal|lecun-uniform|" \
  "fan-in-uniform|normal|uniform|orthogonal|zeros|ones"

typedef struct build_layer {
  char text[BUILD_TEXT]; /* as it was written */
  build_kind kind;
  build_activation activation; /* behind it */
  build_norm norm;
  build_initial initial;
  int64_t size; /* what it gives: units, channels, numbers a word */
  int64_t count; /* groups, heads, words of a vocabulary */
  int64_t kernel[BUILD_SPATIAL], stride[BUILD_SPATIAL], dilation[BUILD_SPATIAL];
  int64_t begin[BUILD_SPATIAL], end[BUILD_SPATIAL]; /* pads */
  double number; /* ratio of a dropout, epsilon of a normalisation */
  bool same, bias, average, global, last, causal, open;
  size_t partner; /* of a residual that is closed: the one that opened it */
  int32_t in_rank, out_rank;
  int64_t in[BUILD_RANK], out[BUILD_RANK];
} build_layer;

typedef struct build_plan {
  build_layer *layers;
  size_t count;
  int32_t rank; /* of the input */
  int64_t shape[BUILD_RANK];
  bool whole; /* the input is numbers of words */
  const char *input, *output; /* names */
  double spread;
  bool quiet; /* nothing is told of it: it is one of many */
} build_plan;

/* words.c: "1x28x28", and a layer. A mistake is told with its place. */
adze_status build_read_input (const adze_host *host, const char *text, build_plan *plan);
adze_status build_read_layer (const adze_host *host, size_t number, const char *text,
                              build_initial initial, build_layer *layer);
int build_choice (const char *choices, const char *word); /* or -1 */

/* shapes.c: of all layers in turn. */
adze_status build_find_shapes (const adze_host *host, build_plan *plan);
void build_shape_text (int32_t rank, const int64_t *shape, char text[BUILD_TEXT]);

/* initial.c: COUNT numbers of the stream NAME; ROWS of them belong to an output each. */
adze_status build_fill (const adze_host *host, const char *name, build_initial initial,
                        double spread, size_t rows, size_t fan_in, size_t fan_out, size_t count,
                        float *into);

/* nodes.c */
adze_status build_emit (const adze_host *host, const build_plan *plan, adze_graph *graph);

#endif

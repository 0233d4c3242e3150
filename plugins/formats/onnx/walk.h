/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/walk.h: finds a model's weights, wherever they are.
 *
 * Weights are the initialisers of the graph and of every graph inside an attribute of a node (the
 * branches of an If), values and indices of sparse ones among them, and what a node Constant has as its value: many
 * exporters keep all weights there. Tensors of strings are none, nor is what lies in functions, in training_info, or in other
 * attributes.
 *
 * A walk makes edits as it goes. The lengths of all messages around an edit are edited with it.
 */
#ifndef ONNX_WALK_H
#define ONNX_WALK_H

#include "edits.h"
#include "tensor.h"

/* Messages within messages, the model being the first. Protobuf's own readers refuse more, too. */
#define ONNX_DEPTH_MAX 100

/* Fields of a ModelProto. */
enum { ONNX_MODEL_GRAPH = 7, ONNX_MODEL_METADATA = 14 };

typedef struct onnx_weight {
  onnx_span name;
  const char *suffix; /* behind the name; NULL: it is in no sparse initialiser */
  uint32_t graph;     /* number of the graph that the name is of */
  onnx_tensor tensor;
} onnx_weight;

typedef struct onnx_walk onnx_walk;
struct onnx_walk {
  onnx_input *input;
  onnx_edits edits;
  uint32_t graphs; /* seen so far */
  /* Tensors that are no weights, and where the name of the first of strings is. */
  uint64_t strings, sparse;
  onnx_span first_strings;
  /* Both may add edits, and then say by how many bytes the message grows. */
  adze_status (*weight) (onnx_walk *walk, const onnx_weight *weight, int64_t *growth);
  /* Before each field of the model, and once more at its end, with number 0. */
  adze_status (*field) (onnx_walk *walk, const onnx_field *field, int64_t *growth);
};

/* *GROWTH is by how many bytes the model grows. */
adze_status onnx_walk_model (onnx_walk *walk, int64_t *growth);

#endif

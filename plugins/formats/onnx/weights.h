/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/weights.h: the list of a model's weights, and their names.
 *
 * ONNX's names are unique in a graph and the graphs around it, but two branches of an If may use
 * the same one. Here all weights stand in one list: the first keeps the name, the others become
 * NAME#2, NAME#3 and so on. Reading and writing find the same names, since both walk the same
 * model.
 */
#ifndef ONNX_WEIGHTS_H
#define ONNX_WEIGHTS_H

#include "walk.h"

/* How the numbers are in the file. */
typedef enum onnx_form {
  ONNX_NONE,    /* not at all, and none are needed */
  ONNX_RAW,     /* raw_data; also where they were varints or in pieces, which come back as this */
  ONNX_LIST,    /* float_data or double_data, in one piece */
  ONNX_EXTERNAL
} onnx_form;

typedef struct onnx_item {
  const char *name; /* once all are there, and named; ended by a NUL */
  size_t name_at;
  size_t name_size;
  onnx_span tensor; /* the TensorProto */
  uint64_t hole;    /* from its beginning: where the numbers were, or go */
  uint32_t graph;
  uint8_t form;
  uint8_t width; /* of the length before the numbers, where it was longer than it had to be */
} onnx_item;

typedef struct onnx_weights {
  const adze_host *host;
  onnx_item *items;
  size_t count, capacity;
  char *names;
  size_t names_size, names_capacity;
  char *more_names; /* those with a number */
} onnx_weights;

adze_status onnx_weights_add (onnx_weights *weights, onnx_input *input, const onnx_weight *weight);
/* Gives each its name. A name that is twice in one graph is an error. */
adze_status onnx_weights_name (onnx_weights *weights, const onnx_input *input);
void onnx_weights_release (onnx_weights *weights);

#endif

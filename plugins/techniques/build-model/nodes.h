/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: what layers are made of. After a failure all of these do nothing. */
#ifndef BUILD_MODEL_NODES_H
#define BUILD_MODEL_NODES_H

#include "layers.h"

typedef struct build_work {
  const adze_host *host;
  const adze_graph_service *graphs;
  adze_graph *graph;
  const build_plan *plan;
  size_t at; /* the layer */
  adze_status status;
  uint64_t parameters; /* of this layer */
  uint64_t nodes;      /* of this layer, for their names */
} build_work;

/* One node of ONNX with one output; inputs end with BUILD_END. */
#define BUILD_END (UINT32_MAX - 1)
uint32_t build_op (build_work *w, const char *op, ...);
uint32_t build_op_with (build_work *w, const char *op, const uint32_t *inputs, size_t input_count,
                        const adze_graph_attribute *attributes, size_t attribute_count);

adze_graph_attribute build_int (const char *name, const int64_t *value);
adze_graph_attribute build_ints (const char *name, const int64_t *values, size_t count);
adze_graph_attribute build_float (const char *name, const float *value);

uint32_t build_constant (build_work *w, adze_dtype dtype, int32_t rank, int64_t length,
                         const void *numbers);
uint32_t build_number (build_work *w, double number);
uint32_t build_list (build_work *w, const int64_t *numbers, size_t count);
uint32_t build_reshape (build_work *w, uint32_t value, const int64_t *shape, size_t count);
uint32_t build_transpose (build_work *w, uint32_t value, const int64_t *perm, size_t count);

/* "layer.N.NAME". FAN_IN and FAN_OUT say how large its numbers are to be; its first dimension is
 * what is kept apart where they are orthogonal. */
uint32_t build_weight (build_work *w, const char *name, build_initial initial, int32_t rank,
                       const int64_t *shape, int64_t fan_in, int64_t fan_out);

/* Likewise. Zeros, unless the layer's weights begin in a way that says something of biases. */
uint32_t build_bias (build_work *w, const char *name, int32_t rank, const int64_t *shape,
                     int64_t fan_in);

/* One of LENGTH numbers. */
uint32_t build_vector (build_work *w, const char *name, build_initial initial, int64_t length);

uint32_t build_activate (build_work *w, build_activation activation, uint32_t value);

/* nodes_norm.c */
uint32_t build_norm_layer (build_work *w, const build_layer *layer, uint32_t x);

/* nodes_sequence.c */
uint32_t build_attention (build_work *w, const build_layer *layer, uint32_t x);
uint32_t build_recurrent (build_work *w, const build_layer *layer, uint32_t x);

#endif

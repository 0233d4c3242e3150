/* SPDX-License-Identifier: Apache-2.0 */
/* integer.h: products of bytes. Sums are of 32 bits and exact; what becomes of them is done by the same
 * primitive, as far as oneDNN has it: a bias, a factor for each channel, bounds, and rounding to a byte
 * again; or a factor and a summand where floats are wanted. */
#ifndef ADZE_ONEDNN_INTEGER_H
#define ADZE_ONEDNN_INTEGER_H

#include "onednn.h"

enum { ONEDNN_BEHIND = 3 };

typedef struct onednn_integer {
  const adze_graph_value *x, *w, *y;
  uint32_t weights; /* W's number: int8, constant, zero points of 0 */
  uint32_t bias;    /* or ADZE_NONE */
  int32_t x_zero, y_zero;
  float *steps; /* what sums are multiplied by; NULL: nothing. For each of CHANNELS, or one for all */
  size_t step_count, channels;
  /* What lies behind, and is done as well. */
  uint32_t value; /* what comes out in the end */
  dnnl_data_type_t type;
  bool bounded;
  float low, high; /* of what is rounded, less the zero point */
  uint32_t summand; /* or ADZE_NONE */
  uint32_t nodes[ONEDNN_BEHIND];
  size_t node_count;
} onednn_integer;

/* Of QLinearConv and QLinearMatMul, whose inputs stand in the same places; of ConvInteger and
 * MatMulInteger. AXIS: of the weights, along which the channels lie. Afterwards close it. */
adze_status onednn_integer_rescaled (onednn_part *part, int32_t axis, onednn_integer *m);
adze_status onednn_integer_sums (onednn_part *part, int32_t axis, onednn_integer *m);
/* Leaves what lies behind to others. */
void onednn_integer_alone (const onednn_part *part, onednn_integer *m);
void onednn_integer_close (const onednn_part *part, onednn_integer *m);
/* The nodes behind need no primitive of their own any more. */
void onednn_integer_done (onednn_part *part, const onednn_integer *m);

/* Attributes of a primitive whose result has RANK dimensions, the second or the last of them CHANNEL; and
 * the argument that they take, of which the slot is ONEDNN_NO_SLOT where there is none. */
adze_status onednn_integer_attributes (onednn_part *part, const onednn_integer *m, int rank,
                                       int channel, dnnl_primitive_attr_t *attributes,
                                       onednn_arg *more);

/* The numbers of input INDEX, where they are known: float32, or bytes; NULL: they are not. */
const void *onednn_known (const onednn_part *part, size_t index, dnnl_data_type_t type,
                          size_t *count);
/* Are all sizes of VALUE known, and none 0? */
bool onednn_is_settled (const adze_graph_value *value);
/* The only byte of input INDEX, which is of the type of CODES; 0 where it is left out. */
adze_status onednn_byte_of (const onednn_part *part, size_t index, const adze_graph_value *codes,
                            int32_t *byte);

/* ---- few_channels.c: a convolution of few channels, and a pool behind it. */

/* Is one of GROUPS better done so? */
bool onednn_few_do (const onednn_part *part, const onednn_integer *m, const onednn_window *window,
                    int64_t groups);
adze_status onednn_few (onednn_part *part, const onednn_integer *m, const onednn_window *window);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/tensor.h: what a TensorProto says of itself, and where its numbers are. */
#ifndef ONNX_TENSOR_H
#define ONNX_TENSOR_H

#include "types.h"
#include "wire.h"

/* What stands in the doc_string of an initialiser that was a Constant before its graph was edited: a
 * number of the network's, and none that is to be trained. */
#define ONNX_FIXED "adze: a constant, not trained"

typedef struct onnx_tensor {
  onnx_span body;
  onnx_span name; /* empty: it has none */
  onnx_span doc;  /* likewise */
  const onnx_type *type;
  int32_t rank;
  int64_t dims[ADZE_RANK_MAX];
  uint64_t elements, bytes; /* by type and shape; 0 for strings */
  /* The field that holds the numbers: its number (0: there is none), how often it occurs, and the
   * first one. */
  uint32_t data_field;
  uint32_t chunks;
  onnx_field data;
  onnx_field external; /* the first entry of external_data; number 0: there is none */
  onnx_field location; /* data_location; number 0: not said */
  bool is_external;
} onnx_tensor;

/* Reads the message in BODY. It is sound when this succeeds; whether numbers are there, and as many
 * as the shape asks for, is for onnx_tensor_check to say. */
adze_status onnx_tensor_parse (onnx_input *input, onnx_span body, onnx_tensor *tensor);

/* Are there as many bytes as type and shape ask for? Numbers in varints are counted when they are
 * decoded. */
adze_status onnx_tensor_check (onnx_input *input, const onnx_tensor *tensor);

/* Do the numbers lie in the file as they lie in memory, in one piece? */
bool onnx_tensor_in_place (const onnx_tensor *tensor);

/* States what is wrong with a tensor, naming it. */
__attribute__ ((format (printf, 4, 5))) adze_status
onnx_tensor_fail (onnx_input *input, const onnx_tensor *tensor, adze_status status,
                  const char *format, ...);

#endif

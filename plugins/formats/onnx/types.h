/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/types.h: ONNX's element types, and what they are called here. */
#ifndef ONNX_TYPES_H
#define ONNX_TYPES_H

#include <adze/sdk.h>

/* Fields of a TensorProto. */
enum {
  ONNX_TENSOR_DIMS = 1,
  ONNX_TENSOR_TYPE = 2,
  ONNX_TENSOR_SEGMENT = 3,
  ONNX_TENSOR_FLOATS = 4,
  ONNX_TENSOR_INT32S = 5,
  ONNX_TENSOR_STRINGS = 6,
  ONNX_TENSOR_INT64S = 7,
  ONNX_TENSOR_NAME = 8,
  ONNX_TENSOR_RAW = 9,
  ONNX_TENSOR_DOUBLES = 10,
  ONNX_TENSOR_UINT64S = 11,
  ONNX_TENSOR_DOC = 12,
  ONNX_TENSOR_EXTERNAL = 13,
  ONNX_TENSOR_LOCATION = 14
};

typedef struct onnx_type {
  uint32_t number;
  uint32_t field; /* the field that holds the numbers where raw_data does not */
  const char *name;
  adze_dtype dtype; /* no bits: strings */
} onnx_type;

/* NULL: there is no such type. */
const onnx_type *onnx_type_numbered (uint64_t number);
const onnx_type *onnx_type_of (adze_dtype dtype);

/* Name of a TensorProto's field that holds numbers. */
const char *onnx_data_field_name (uint32_t field);

#endif

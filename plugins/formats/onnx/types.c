/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/types.c: the table of types. */
#include "types.h"

static const onnx_type types[] = {
  { 1, ONNX_TENSOR_FLOATS, "FLOAT", { ADZE_FLOAT, 32, 1 } },
  { 2, ONNX_TENSOR_INT32S, "UINT8", { ADZE_UINT, 8, 1 } },
  { 3, ONNX_TENSOR_INT32S, "INT8", { ADZE_INT, 8, 1 } },
  { 4, ONNX_TENSOR_INT32S, "UINT16", { ADZE_UINT, 16, 1 } },
  { 5, ONNX_TENSOR_INT32S, "INT16", { ADZE_INT, 16, 1 } },
  { 6, ONNX_TENSOR_INT32S, "INT32", { ADZE_INT, 32, 1 } },
  { 7, ONNX_TENSOR_INT64S, "INT64", { ADZE_INT, 64, 1 } },
  { 8, ONNX_TENSOR_STRINGS, "STRING", { ADZE_OPAQUE, 0, 0 } },
  { 9, ONNX_TENSOR_INT32S, "BOOL", { ADZE_BOOL, 8, 1 } },
  { 10, ONNX_TENSOR_INT32S, "FLOAT16", { ADZE_FLOAT, 16, 1 } },
  { 11, ONNX_TENSOR_DOUBLES, "DOUBLE", { ADZE_FLOAT, 64, 1 } },
  { 12, ONNX_TENSOR_UINT64S, "UINT32", { ADZE_UINT, 32, 1 } },
  { 13, ONNX_TENSOR_UINT64S, "UINT64", { ADZE_UINT, 64, 1 } },
  { 14, ONNX_TENSOR_FLOATS, "COMPLEX64", { ADZE_COMPLEX, 64, 1 } },
  { 15, ONNX_TENSOR_DOUBLES, "COMPLEX128", { ADZE_COMPLEX, 128, 1 } },
  { 16, ONNX_TENSOR_INT32S, "BFLOAT16", { ADZE_BFLOAT, 16, 1 } },
  { 17, ONNX_TENSOR_INT32S, "FLOAT8E4M3FN", { ADZE_FLOAT8_E4M3FN, 8, 1 } },
  { 18, ONNX_TENSOR_INT32S, "FLOAT8E4M3FNUZ", { ADZE_FLOAT8_E4M3FNUZ, 8, 1 } },
  { 19, ONNX_TENSOR_INT32S, "FLOAT8E5M2", { ADZE_FLOAT8_E5M2, 8, 1 } },
  { 20, ONNX_TENSOR_INT32S, "FLOAT8E5M2FNUZ", { ADZE_FLOAT8_E5M2FNUZ, 8, 1 } },
  { 21, ONNX_TENSOR_INT32S, "UINT4", { ADZE_UINT, 4, 1 } },
  { 22, ONNX_TENSOR_INT32S, "INT4", { ADZE_INT, 4, 1 } },
  { 23, ONNX_TENSOR_INT32S, "FLOAT4E2M1", { ADZE_FLOAT4_E2M1FN, 4, 1 } },
  { 24, ONNX_TENSOR_INT32S, "FLOAT8E8M0", { ADZE_FLOAT8_E8M0FNU, 8, 1 } },
  { 25, ONNX_TENSOR_INT32S, "UINT2", { ADZE_UINT, 2, 1 } },
  { 26, ONNX_TENSOR_INT32S, "INT2", { ADZE_INT, 2, 1 } },
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

const onnx_type *
onnx_type_numbered (uint64_t number)
{
  return number >= 1 && number <= TYPE_COUNT ? &types[number - 1] : NULL;
}

const onnx_type *
onnx_type_of (adze_dtype dtype)
{
  for (size_t i = 0; i < TYPE_COUNT; i++)
    if (types[i].dtype.bits && types[i].dtype.code == dtype.code
        && types[i].dtype.bits == dtype.bits && types[i].dtype.lanes == dtype.lanes)
      return &types[i];
  return NULL;
}

const char *
onnx_data_field_name (uint32_t field)
{
  switch (field) {
  case ONNX_TENSOR_FLOATS:
    return "float_data";
  case ONNX_TENSOR_INT32S:
    return "int32_data";
  case ONNX_TENSOR_STRINGS:
    return "string_data";
  case ONNX_TENSOR_INT64S:
    return "int64_data";
  case ONNX_TENSOR_RAW:
    return "raw_data";
  case ONNX_TENSOR_DOUBLES:
    return "double_data";
  case ONNX_TENSOR_UINT64S:
    return "uint64_data";
  default:
    return NULL;
  }
}

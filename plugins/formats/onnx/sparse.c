/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/sparse.c: what a SparseTensorProto says. */
#include "sparse.h"

#include <string.h>

static bool
add_sparse_dimension (onnx_sparse *sparse, uint64_t size)
{
  if (sparse->rank == ADZE_RANK_MAX || size == 0 || size > INT64_MAX)
    return false;
  sparse->dims[sparse->rank++] = (int64_t)size;
  return true;
}

static adze_status
take_sparse_dimensions (onnx_input *input, onnx_sparse *sparse, const onnx_field *field, bool *sound)
{
  adze_status status = ADZE_OK;
  if (field->type == ONNX_VARINT)
    *sound &= add_sparse_dimension (sparse, field->value);
  else if (field->type != ONNX_BYTES)
    *sound = false;
  else {
    onnx_span rest = onnx_body (field);
    while (status == ADZE_OK && *sound && rest.at < rest.end) {
      uint64_t size = 0;
      status = onnx_varint (input, &rest, &size);
      *sound &= add_sparse_dimension (sparse, size);
    }
  }
  return status;
}

/* Indices are of elements in their order, or one for each dimension. */
static bool
fits_together (const onnx_sparse *sparse)
{
  const onnx_tensor *values = &sparse->values, *indices = &sparse->indices;
  int64_t all = 1;
  for (int32_t i = 0; i < sparse->rank; i++)
    if (__builtin_mul_overflow (all, sparse->dims[i], &all))
      return false;
  return values->type && values->type->dtype.bits >= 8 && values->rank == 1
         && values->name.at < values->name.end && indices->type
         && adze_dtype_same (indices->type->dtype, (adze_dtype){ ADZE_INT, 64, 1 })
         && indices->rank >= 1 && indices->rank <= 2 && indices->dims[0] == values->dims[0]
         && (indices->rank == 1 || indices->dims[1] == sparse->rank);
}

adze_status
onnx_sparse_parse (onnx_input *input, onnx_span body, onnx_sparse *sparse)
{
  unsigned values = 0, indices = 0;
  onnx_span parts[2], rest = body;
  bool sound = true;
  adze_status status = ADZE_OK;
  memset (sparse, 0, sizeof *sparse);
  for (;;) {
    onnx_field field;
    status = onnx_next (input, &rest, &field);
    if (status != ADZE_OK)
      return status;
    if (!field.number)
      break;
    if (field.number == ONNX_SPARSE_DIMS)
      status = take_sparse_dimensions (input, sparse, &field, &sound);
    else if (field.number > ONNX_SPARSE_DIMS || field.type != ONNX_BYTES)
      sound = false;
    else if (field.number == ONNX_SPARSE_VALUES && values++ == 0)
      parts[0] = onnx_body (&field);
    else if (field.number == ONNX_SPARSE_INDICES && indices++ == 0)
      parts[1] = onnx_body (&field);
    if (status != ADZE_OK)
      return status;
  }
  if (values == 1)
    status = onnx_tensor_parse (input, parts[0], &sparse->values);
  if (!sound || values != 1 || indices != 1 || status != ADZE_OK)
    return status;
  status = onnx_tensor_parse (input, parts[1], &sparse->indices);
  sparse->sound = status == ADZE_OK && fits_together (sparse);
  return status;
}

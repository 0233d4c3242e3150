/* SPDX-License-Identifier: Apache-2.0 */
/* adze/tensor.h: numbers with a shape. Tier: stable.
 *
 * adze_view has the layout of DLPack's DLTensor, which is frozen; a pointer to the one may be cast
 * to a pointer to the other. A test holds every offset against dlpack.h.
 */
#ifndef ADZE_TENSOR_H
#define ADZE_TENSOR_H

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

/* DLPack's numbers. */
typedef enum adze_dtype_code {
  ADZE_INT = 0,
  ADZE_UINT = 1,
  ADZE_FLOAT = 2,
  ADZE_OPAQUE = 3,
  ADZE_BFLOAT = 4,
  ADZE_COMPLEX = 5,
  ADZE_BOOL = 6,
  /* Floats of a byte or less, named by exponent and mantissa; "fn": no infinities, "uz": no
   * negative zero. */
  ADZE_FLOAT8_E3M4 = 7,
  ADZE_FLOAT8_E4M3 = 8,
  ADZE_FLOAT8_E4M3B11FNUZ = 9,
  ADZE_FLOAT8_E4M3FN = 10,
  ADZE_FLOAT8_E4M3FNUZ = 11,
  ADZE_FLOAT8_E5M2 = 12,
  ADZE_FLOAT8_E5M2FNUZ = 13,
  ADZE_FLOAT8_E8M0FNU = 14,
  ADZE_FLOAT6_E2M3FN = 15,
  ADZE_FLOAT6_E3M2FN = 16,
  ADZE_FLOAT4_E2M1FN = 17
} adze_dtype_code;

typedef struct adze_dtype {
  uint8_t code; /* adze_dtype_code */
  uint8_t bits; /* of one lane: 32 for float */
  uint16_t lanes;
} adze_dtype;

/* Where the memory lies. Device types are DLPack's: 1 is memory that the processor can touch.
 * A plugin that meets another one than it can handle answers ADZE_E_UNSUPPORTED. */
enum { ADZE_DEVICE_CPU = 1 };

typedef struct adze_device {
  int32_t type;
  int32_t id;
} adze_device;

typedef struct adze_view {
  void *data;
  adze_device device;
  int32_t rank; /* 0 is a scalar */
  adze_dtype dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: compact, last dimension fastest */
  uint64_t byte_offset;
} adze_view;

/* A tensor as a technique meets it. Owned by the host and valid during the callback it was handed
 * to; read only, its data too. */
typedef struct adze_tensor {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  adze_view view;
  /* Block codecs: the id of the codec that wrote the bytes, NULL for plain elements. VIEW then
   * has the logical shape, dtype ADZE_OPAQUE, and data of byte_size bytes; block_shape has
   * view.rank entries, how many elements of each dimension one block holds. */
  const char *codec;
  const int64_t *block_shape;
  uint64_t byte_size;
} adze_tensor;

/* Elements of a view; 1 for a scalar. The host has checked that the product fits. */
static inline size_t
adze_view_count (const adze_view *view)
{
  size_t count = 1;
  for (int32_t i = 0; i < view->rank; i++)
    count *= (size_t)view->shape[i];
  return count;
}

/* First element. A view of no elements may have no data. */
static inline void *
adze_view_data (const adze_view *view)
{
  return view->data ? (char *)view->data + view->byte_offset : NULL;
}

/* Are these plain, compact elements of the type, in memory that the processor can touch? */
static inline bool
adze_view_is (const adze_view *view, adze_dtype_code code, unsigned bits)
{
  if (view->device.type != ADZE_DEVICE_CPU || view->dtype.code != code
      || view->dtype.bits != bits || view->dtype.lanes != 1)
    return false;
  if (!view->strides)
    return true;
  int64_t compact = 1;
  for (int32_t i = view->rank; i-- > 0;) {
    if (view->shape[i] != 1 && view->strides[i] != compact)
      return false;
    compact *= view->shape[i];
  }
  return true;
}

ADZE_END_DECLS

#endif

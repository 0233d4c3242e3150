/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/model.h: what is known of a model without looking at its weights. Tier: draft; comes
 * and goes with the revisions of technique and format.
 */
#ifndef ADZE_DRAFT_MODEL_H
#define ADZE_DRAFT_MODEL_H

#include <adze/tensor.h>

ADZE_BEGIN_DECLS

/* A tensor less its data. Strings and shape belong to whoever hands it out, and are copied by
 * whoever takes it. */
typedef struct adze_tensor_meta {
  uint32_t struct_size;
  int32_t rank; /* 0 is a scalar */
  const char *name;
  const int64_t *shape;
  /* Plain elements: their type, CODEC is NULL, and the block members are 0. Elements of less than
   * a byte are packed, first element in the lowest bits, and end on a whole byte.
   * Blocks: the id of the codec that wrote them ("q4_k"), DTYPE's code is ADZE_OPAQUE, and
   * block_elements neighbours of the last dimension become block_bytes bytes. */
  adze_dtype dtype;
  uint32_t block_elements;
  uint32_t block_bytes;
  uint32_t reserved;
  const char *codec;
  uint64_t byte_size;
} adze_tensor_meta;

/* Ranks above this one are refused everywhere. */
#define ADZE_RANK_MAX 32

/* ---- Metadata: named values that lie beside the tensors in a file. */

/* GGUF's numbers, which cover what the other formats have. */
typedef enum adze_meta_type {
  ADZE_META_U8 = 0,
  ADZE_META_I8 = 1,
  ADZE_META_U16 = 2,
  ADZE_META_I16 = 3,
  ADZE_META_U32 = 4,
  ADZE_META_I32 = 5,
  ADZE_META_F32 = 6,
  ADZE_META_BOOL = 7,
  ADZE_META_STRING = 8,
  ADZE_META_ARRAY = 9,
  ADZE_META_U64 = 10,
  ADZE_META_I64 = 11,
  ADZE_META_F64 = 12
} adze_meta_type;

/* Text that may hold any byte, and need not end in a NUL. */
typedef struct adze_text {
  const char *data;
  uint64_t size;
} adze_text;

/* A value. Frozen, so that arrays of it need no stride. */
typedef struct adze_meta {
  uint32_t type;  /* adze_meta_type */
  uint32_t item;  /* of an array's entries; else 0 */
  uint64_t count; /* of an array's entries; else 0 */
  /* A number: its bytes in the lowest ones, as they lie in a little-endian file, so that no NaN
   * loses its payload. */
  uint64_t bits;
  adze_text text; /* ADZE_META_STRING */
  /* ADZE_META_ARRAY: COUNT numbers without gaps, little-endian (bool: a byte each), or
   * adze_text[COUNT], or adze_meta[COUNT]. */
  const void *items;
} adze_meta;

/* How deep arrays may nest. */
#define ADZE_META_DEPTH_MAX 8

static inline adze_meta
adze_meta_text (const char *data, uint64_t size)
{
  adze_meta meta = { ADZE_META_STRING, 0, 0, 0, { data, size }, NULL };
  return meta;
}

/* Bytes of a number of this type; 0 for what is none. */
static inline size_t
adze_meta_number_size (uint32_t type)
{
  static const unsigned char sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
  return type < sizeof sizes ? sizes[type] : 0;
}

ADZE_END_DECLS

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/meta.c: names of element types, and what a tensor takes. */
#include "artifact/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Types. */

static const struct {
  const char *name;
  adze_dtype dtype;
} types[] = {
  { "f32", { ADZE_FLOAT, 32, 1 } },
  { "f16", { ADZE_FLOAT, 16, 1 } },
  { "bf16", { ADZE_BFLOAT, 16, 1 } },
  { "f64", { ADZE_FLOAT, 64, 1 } },
  { "i8", { ADZE_INT, 8, 1 } },
  { "i16", { ADZE_INT, 16, 1 } },
  { "i32", { ADZE_INT, 32, 1 } },
  { "i64", { ADZE_INT, 64, 1 } },
  { "u8", { ADZE_UINT, 8, 1 } },
  { "u16", { ADZE_UINT, 16, 1 } },
  { "u32", { ADZE_UINT, 32, 1 } },
  { "u64", { ADZE_UINT, 64, 1 } },
  { "bool", { ADZE_BOOL, 8, 1 } },
  { "i1", { ADZE_INT, 1, 1 } },
  { "i2", { ADZE_INT, 2, 1 } },
  { "i3", { ADZE_INT, 3, 1 } },
  { "i4", { ADZE_INT, 4, 1 } },
  { "i5", { ADZE_INT, 5, 1 } },
  { "i6", { ADZE_INT, 6, 1 } },
  { "i7", { ADZE_INT, 7, 1 } },
  { "u1", { ADZE_UINT, 1, 1 } },
  { "u2", { ADZE_UINT, 2, 1 } },
  { "u3", { ADZE_UINT, 3, 1 } },
  { "u4", { ADZE_UINT, 4, 1 } },
  { "u5", { ADZE_UINT, 5, 1 } },
  { "u6", { ADZE_UINT, 6, 1 } },
  { "u7", { ADZE_UINT, 7, 1 } },
  { "c32", { ADZE_COMPLEX, 32, 1 } },
  { "c64", { ADZE_COMPLEX, 64, 1 } },
  { "c128", { ADZE_COMPLEX, 128, 1 } },
  { "f8_e3m4", { ADZE_FLOAT8_E3M4, 8, 1 } },
  { "f8_e4m3", { ADZE_FLOAT8_E4M3, 8, 1 } },
  { "f8_e4m3b11fnuz", { ADZE_FLOAT8_E4M3B11FNUZ, 8, 1 } },
  { "f8_e4m3fn", { ADZE_FLOAT8_E4M3FN, 8, 1 } },
  { "f8_e4m3fnuz", { ADZE_FLOAT8_E4M3FNUZ, 8, 1 } },
  { "f8_e5m2", { ADZE_FLOAT8_E5M2, 8, 1 } },
  { "f8_e5m2fnuz", { ADZE_FLOAT8_E5M2FNUZ, 8, 1 } },
  { "f8_e8m0fnu", { ADZE_FLOAT8_E8M0FNU, 8, 1 } },
  { "f6_e2m3fn", { ADZE_FLOAT6_E2M3FN, 6, 1 } },
  { "f6_e3m2fn", { ADZE_FLOAT6_E3M2FN, 6, 1 } },
  { "f4_e2m1fn", { ADZE_FLOAT4_E2M1FN, 4, 1 } },
};

const char *
adze_dtype_name (adze_dtype dtype)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (types); i++)
    if (memcmp (&types[i].dtype, &dtype, sizeof dtype) == 0)
      return types[i].name;
  return NULL;
}

bool
adze_dtype_parse (const char *name, adze_dtype *dtype)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (types); i++)
    if (strcmp (types[i].name, name) == 0) {
      *dtype = types[i].dtype;
      return true;
    }
  return false;
}

const char *
adze_meta_type_word (const adze_tensor_meta *meta)
{
  const char *name = meta->codec ? meta->codec : adze_dtype_name (meta->dtype);
  return name ? name : "?";
}

/* ---- Sizes. */

/* Facts that every refusal here has. */
static adze_error *
refusal (adze_error *error, const char *needed, const char *found)
{
  adze_error_set (error, "needed", needed);
  adze_error_set (error, "found", found);
  return error;
}

static adze_error *
check_rank (const adze_tensor_meta *meta)
{
  if (meta->rank >= 0 && meta->rank <= ADZE_RANK_MAX && (meta->rank == 0 || meta->shape))
    return NULL;
  char found[16];
  snprintf (found, sizeof found, "%" PRId32, meta->rank);
  return refusal (adze_error_new (ADZE_E_FORMAT, "it has %s dimensions; 0 to %d are possible",
                                  found, ADZE_RANK_MAX),
                  "0 to 32 dimensions", found);
}

static adze_error *
check_type (const adze_tensor_meta *meta)
{
  char found[64];
  if (meta->codec) {
    if (meta->block_elements > 0 && meta->block_bytes > 0 && meta->codec[0])
      return NULL;
    snprintf (found, sizeof found, "%" PRIu32 " elements in %" PRIu32 " bytes",
              meta->block_elements, meta->block_bytes);
    return refusal (adze_error_new (ADZE_E_FORMAT, "its codec '%s' has blocks of %s", meta->codec,
                                    found),
                    "blocks of at least 1 element and 1 byte", found);
  }
  if (meta->dtype.bits > 0 && meta->dtype.lanes > 0 && meta->dtype.code != ADZE_OPAQUE)
    return NULL;
  snprintf (found, sizeof found, "type %u of %u bits in %u lanes", (unsigned)meta->dtype.code,
            (unsigned)meta->dtype.bits, (unsigned)meta->dtype.lanes);
  return refusal (adze_error_new (ADZE_E_FORMAT, "its elements are of %s", found),
                  "a type of at least 1 bit, or a codec", found);
}

static adze_error *
bad_dimension (const adze_tensor_meta *meta, int32_t dimension, const char *why,
               const char *needed)
{
  char found[32];
  snprintf (found, sizeof found, "%" PRId64, meta->shape[dimension]);
  return refusal (adze_error_new (ADZE_E_FORMAT, "its dimension %" PRId32 " is %s, %s", dimension,
                                  found, why),
                  needed, found);
}

/* The product of all dimensions times UNIT, those of 0 counted as 1: one that is empty must not
 * hide others whose product nobody could compute. */
static adze_error *
multiply (const adze_tensor_meta *meta, uint64_t unit, uint64_t *product)
{
  *product = unit;
  for (int32_t i = 0; i < meta->rank; i++) {
    int64_t size = meta->shape[i];
    if (size < 0)
      return bad_dimension (meta, i, "which is less than nothing", "0 or more");
    if (__builtin_mul_overflow (*product, size ? (uint64_t)size : 1, product)
        || *product > INT64_MAX)
      return bad_dimension (meta, i, "and the product of all is too large to be a size",
                            "a product below 2^63 bytes");
  }
  return NULL;
}

static adze_error *
block_size (const adze_tensor_meta *meta, uint64_t elements, uint64_t *bytes)
{
  int64_t last = meta->rank > 0 ? meta->shape[meta->rank - 1] : 1;
  if (last % meta->block_elements != 0) {
    char needed[64], found[32];
    snprintf (needed, sizeof needed, "a multiple of %" PRIu32, meta->block_elements);
    snprintf (found, sizeof found, "%" PRId64, last);
    return refusal (adze_error_new (ADZE_E_FORMAT,
                                    "its last dimension is %s, which blocks of %" PRIu32
                                    " elements (%s) do not divide",
                                    found, meta->block_elements, meta->codec),
                    needed, found);
  }
  if (__builtin_mul_overflow (elements / meta->block_elements, (uint64_t)meta->block_bytes, bytes)
      || *bytes > INT64_MAX)
    return refusal (adze_error_new (ADZE_E_FORMAT, "its blocks take more bytes than can be counted"),
                    "less than 2^63 bytes", "more");
  return NULL;
}

adze_error *
adze_tensor_meta_size (const adze_tensor_meta *meta, uint64_t *elements, uint64_t *bytes)
{
  ADZE_TRY (check_rank (meta));
  ADZE_TRY (check_type (meta));
  bool empty = false;
  for (int32_t i = 0; i < meta->rank; i++)
    empty = empty || meta->shape[i] == 0;
  uint64_t count = 0, size = 0;
  if (meta->codec) {
    ADZE_TRY (multiply (meta, 1, &count));
    ADZE_TRY (block_size (meta, count, &size));
  } else {
    uint64_t bits, width = (uint64_t)meta->dtype.bits * meta->dtype.lanes;
    ADZE_TRY (multiply (meta, width, &bits));
    count = bits / width;
    size = bits / 8 + (bits % 8 != 0);
  }
  *elements = empty ? 0 : count;
  *bytes = empty ? 0 : size;
  return NULL;
}

uint64_t
adze_tensor_meta_elements (const adze_tensor_meta *meta)
{
  uint64_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    count *= (uint64_t)meta->shape[i];
  return count;
}

uint64_t
adze_tensor_meta_row (const adze_tensor_meta *meta)
{
  uint64_t row = 1;
  for (int32_t i = meta->rank > 1 ? 1 : 0; i < meta->rank; i++)
    row *= (uint64_t)meta->shape[i];
  return row > 0 ? row : 1;
}

uint64_t
adze_tensor_meta_bytes (const adze_tensor_meta *meta, uint64_t elements)
{
  if (meta->codec)
    return elements / meta->block_elements * meta->block_bytes;
  uint64_t width = (uint64_t)meta->dtype.bits * meta->dtype.lanes;
  /* In two steps, since the product in bits may not fit where that in bytes does. */
  return elements / 8 * width + (elements % 8 * width + 7) / 8;
}

/* ---- Whole metas. */

adze_tensor_meta *
adze_tensor_meta_copy (const adze_tensor_meta *meta)
{
  size_t shape = (size_t)meta->rank * sizeof *meta->shape;
  size_t name = strlen (meta->name) + 1;
  size_t codec = meta->codec ? strlen (meta->codec) + 1 : 0;
  adze_tensor_meta *copy = malloc (sizeof *copy + shape + name + codec);
  if (!copy)
    return NULL;
  *copy = *meta;
  copy->struct_size = sizeof *copy;
  char *room = (char *)(copy + 1);
  copy->shape = (int64_t *)room;
  if (shape > 0)
    memcpy (room, meta->shape, shape);
  copy->name = memcpy (room + shape, meta->name, name);
  if (codec > 0)
    copy->codec = memcpy (room + shape + name, meta->codec, codec);
  return copy;
}

bool
adze_tensor_meta_same_shape (const adze_tensor_meta *a, const adze_tensor_meta *b)
{
  return a->rank == b->rank
         && (a->rank == 0 || memcmp (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0);
}

bool
adze_tensor_meta_equal (const adze_tensor_meta *a, const adze_tensor_meta *b)
{
  if (strcmp (a->name, b->name) != 0 || !a->codec != !b->codec
      || !adze_tensor_meta_same_shape (a, b))
    return false;
  if (a->codec)
    return strcmp (a->codec, b->codec) == 0 && a->block_elements == b->block_elements
           && a->block_bytes == b->block_bytes;
  return memcmp (&a->dtype, &b->dtype, sizeof a->dtype) == 0;
}

void
adze_shape_text (int32_t rank, const int64_t *shape, adze_buffer *into)
{
  adze_buffer_text (into, "[");
  for (int32_t i = 0; i < rank; i++)
    adze_buffer_format (into, "%s%" PRId64, i ? ", " : "", shape[i]);
  adze_buffer_text (into, "]");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cast.c: numbers of one type as another, and choosing between two. */
#include "rows.h"

/* ---- Cast. Numbers go by way of the widest of their kind, which holds all of them exactly, and
 * are rounded once. */

enum { BLOCK = 256 };

typedef enum number_kind { FLOATING, WHOLE, UNSIGNED_WHOLE } number_kind;

typedef union number_block {
  double floats[BLOCK];
  int64_t whole[BLOCK];
  uint64_t unsigned_whole[BLOCK];
} number_block;

#define READ(which, type, suffix) \
  case which: \
    for (size_t i = 0; i < count; i++) \
      into->whole[i] = (int64_t)((const type *)from)[i]; \
    return WHOLE;

static number_kind
read_numbers (adze_dtype dtype, const void *from, size_t count, number_block *into)
{
  switch (ref_type_of (dtype)) {
    REF_EACH_SIGNED (READ)
    READ (REF_U8, uint8_t, u8)
    READ (REF_U16, uint16_t, u16)
    READ (REF_U32, uint32_t, u32)
  case REF_U64:
    memcpy (into->unsigned_whole, from, count * sizeof (uint64_t));
    return UNSIGNED_WHOLE;
  case REF_BOOL:
    for (size_t i = 0; i < count; i++)
      into->whole[i] = ((const uint8_t *)from)[i] != 0;
    return WHOLE;
  default:
    adze_doubles_read (dtype, from, count, into->floats);
    return FLOATING;
  }
}

/* What is above the signed numbers has its place among the unsigned ones; below zero it wraps, as
 * whole numbers do. */
static uint64_t
whole_unsigned (double number)
{
  if (number >= 18446744073709551616.0)
    return UINT64_MAX;
  return number >= 9223372036854775808.0 ? (uint64_t)number : (uint64_t)ref_whole (number);
}

/* A double between NUMBER and 0 that rounds to shorter types as NUMBER does: the bits that do not
 * fit leave a mark in the last one that does. */
static double
double_of_whole (uint64_t magnitude)
{
  if (magnitude >> 53)
    magnitude = (magnitude & ~UINT64_C (0xfff)) | ((magnitude & 0xfff) ? 0x800 : 0);
  return (double)magnitude;
}

static double
signed_double (int64_t number)
{
  return number < 0 ? -double_of_whole (-(uint64_t)number) : double_of_whole ((uint64_t)number);
}

#define WRITE(which, type, suffix) \
  case which: \
    for (size_t i = 0; i < count; i++) \
      ((type *)into)[i] = (type)WRITTEN; \
    break;
#define WRITE_AS(which, type, written) \
  case which: \
    for (size_t i = 0; i < count; i++) \
      ((type *)into)[i] = (type)(written); \
    break;

static void
write_floats (const double *from, size_t count, ref_type type, void *into)
{
  switch (type) {
#define WRITTEN ref_whole (from[i])
    REF_EACH_SIGNED (WRITE)
    WRITE (REF_U8, uint8_t, u8)
    WRITE (REF_U16, uint16_t, u16)
    WRITE (REF_U32, uint32_t, u32)
#undef WRITTEN
    WRITE_AS (REF_U64, uint64_t, whole_unsigned (from[i]))
    WRITE_AS (REF_BOOL, uint8_t, from[i] != 0)
    WRITE_AS (REF_F32, float, adze_float_from_double (from[i]))
    WRITE_AS (REF_F64, double, from[i])
    WRITE_AS (REF_F16, uint16_t, adze_half_from_double (from[i]))
    WRITE_AS (REF_BF16, uint16_t, adze_bfloat_from_double (from[i]))
  case REF_OTHER:
    break;
  }
}

static void
write_whole (const int64_t *from, size_t count, ref_type type, void *into)
{
  switch (type) {
#define WRITTEN from[i]
    REF_EACH_NUMBER (WRITE)
#undef WRITTEN
    WRITE_AS (REF_BOOL, uint8_t, from[i] != 0)
    WRITE_AS (REF_F16, uint16_t, adze_half_from_double (signed_double (from[i])))
    WRITE_AS (REF_BF16, uint16_t, adze_bfloat_from_double (signed_double (from[i])))
  case REF_OTHER:
    break;
  }
}

static void
write_unsigned (const uint64_t *from, size_t count, ref_type type, void *into)
{
  switch (type) {
#define WRITTEN from[i]
    REF_EACH_NUMBER (WRITE)
#undef WRITTEN
    WRITE_AS (REF_BOOL, uint8_t, from[i] != 0)
    WRITE_AS (REF_F16, uint16_t, adze_half_from_double (double_of_whole (from[i])))
    WRITE_AS (REF_BF16, uint16_t, adze_bfloat_from_double (double_of_whole (from[i])))
  case REF_OTHER:
    break;
  }
}

typedef struct cast_work {
  const adze_view *in, *out;
} cast_work;

static adze_status
cast_piece (void *argument, size_t first, size_t last)
{
  const cast_work *work = argument;
  const char *from = adze_view_data (work->in);
  char *into = adze_view_data (work->out);
  ref_type type = ref_view_type (work->out);
  for (size_t count; first < last; first += count) {
    number_block block;
    count = last - first < BLOCK ? last - first : BLOCK;
    number_kind kind = read_numbers (work->in->dtype, from + first * ref_size_of (work->in->dtype),
                                     count, &block);
    void *place = into + first * ref_size_of (work->out->dtype);
    if (kind == FLOATING)
      write_floats (block.floats, count, type, place);
    else if (kind == WHOLE)
      write_whole (block.whole, count, type, place);
    else
      write_unsigned (block.unsigned_whole, count, type, place);
  }
  return ADZE_OK;
}

static adze_status
cast_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!in || !out)
    return in ? ADZE_OK : ref_refuse_type (call, 0);
  if (adze_dtype_same (in->dtype, out->dtype))
    return ref_rows_copy (call, in, out);
  if (ref_view_type (out) == REF_OTHER)
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "numbers do not become what is asked for");
  if (adze_view_count (in) != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT, "input and output have different sizes");
  cast_work work = { in, out };
  return adze_parallel_for (call->host, adze_view_count (in), ref_grain (2), cast_piece, &work);
}

static bool
gives_numbers (const ref_question *question)
{
  return ref_asked_output (question, 0, REF_ALL);
}

/* ---- Where. */

#define WHERE_ROW(type) \
  static void where_##type (const ref_row *row) \
  { \
    const uint8_t *condition = row->in[0]; \
    const type *yes = row->in[1], *no = row->in[2]; \
    type *out = row->out; \
    for (size_t i = 0; i < row->count; i++) \
      out[i] = condition[i * row->step[0]] ? yes[i * row->step[1]] : no[i * row->step[2]]; \
  }
WHERE_ROW (uint8_t)
WHERE_ROW (uint16_t)
WHERE_ROW (uint32_t)
WHERE_ROW (uint64_t)

static adze_status
where_run (ref_call *call)
{
  const adze_view *yes = ref_in (call, 1), *no = ref_in (call, 2);
  adze_view *out = ref_out (call, 0);
  if (!yes || !no)
    return ref_refuse_type (call, yes ? 2 : 1);
  if (!adze_dtype_same (yes->dtype, no->dtype))
    return ref_refuse (call, ADZE_E_FORMAT, "chooses between %s and %s; both must be of one type",
                       ref_type_name (yes->dtype), ref_type_name (no->dtype));
  size_t size = ref_size_of (yes->dtype);
  ref_row_function function = size == 1   ? where_uint8_t
                              : size == 2 ? where_uint16_t
                              : size == 4 ? where_uint32_t
                              : size == 8 ? where_uint64_t
                                          : NULL;
  if (!function)
    return ref_refuse_type (call, 1);
  return out ? ref_rows (call, call->inputs, 3, out, function, NULL) : ADZE_OK;
}

static bool
chooses_numbers (const ref_question *question)
{
  return ref_asked_type (question, 1, REF_ALL);
}

const ref_kernel ref_kernels_cast[] = {
  { "", "Cast", REF_ALL, false, gives_numbers, cast_run },
  { "", "CastLike", REF_ALL, false, gives_numbers, cast_run },
  { "", "Where", REF_SET (REF_BOOL), false, chooses_numbers, where_run },
  { .op = NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* simple.c: the types whose scale is that of the greatest number: q8_0, q4_0, q4_1, q5_0, q5_1, mxfp4, tq1_0,
 * tq2_0. With an importance q4_0 to q5_1 are searched for instead (weighted.c). */
#include "simple.h"

#include "kernels.h"

#undef GGUF_PART
#define GGUF_PART _simple

/* Does the logarithm of a number that lacks MISSING units of its 24 digits to 2 ^ POWER become POWER in
 * float32? When what it lacks, by ln 2, is less than half a unit of the last place next to POWER. */
static bool
rounds_up (int power, uint32_t missing)
{
  uint32_t below = (uint32_t)(power > 0 ? power - 1 : -power);
  if (below == 0)
    return false;
  uint32_t units = UINT32_C (1) << (31 - __builtin_clz (below));
  return missing <= (uint32_t)((float)units * 0.6931472f);
}

/* The biased exponent of mxfp4 whose greatest number has SIZE: two less than the whole part of the
 * logarithm. The reference takes that from log2f, which rounds. Exponents below zero wrap. */
static inline uint8_t
exponent_for (float size)
{
  enum { MOST_MISSING = 88 };
  if (size == 0)
    return 0;
  int power = -126;
  if (size < FLT_MIN) {
    size *= 0x1p24f;
    power -= 24;
  }
  uint32_t bits = adze_float_bits (size), missing = UINT32_C (0x00800000) - (bits & UINT32_C (0x007fffff));
  power += (int)(bits >> 23);
  int logarithm = missing <= MOST_MISSING && rounds_up (power, missing) ? power : power - 1;
  return (uint8_t)(logarithm - 2 + 127);
}

/* The first number of SIZE in a block that has one. */
static float
first_of_size (const float *x, float size)
{
  int i = 0;
  while (fabsf (x[i]) != size)
    i++;
  return x[i];
}

/* The last 96 values of tq1_0: sixteen bytes of five each, four bytes of four and an empty one. */
static inline void
digits_of_rest (const uint8_t values[96], uint8_t digits[20])
{
  memset (digits, 0, 20);
  for (int digit = 0; digit < 5; digit++) {
    for (int i = 0; i < 16; i++)
      digits[i] = (uint8_t)(digits[i] * 3 + values[16 * digit + i]);
    for (int i = 0; i < 4; i++)
      digits[16 + i] = (uint8_t)(digits[16 + i] * 3 + (digit < 4 ? values[80 + 4 * digit + i] : 0));
  }
}

/* What is left to the scalar form. */
typedef void simple_form (const float *x, uint64_t count, uint8_t *to);
static simple_form q8_0_blocks_simple_scalar, q4_0_blocks_simple_scalar, q4_1_blocks_simple_scalar;
static simple_form q5_0_blocks_simple_scalar, q5_1_blocks_simple_scalar;
static void tq1_0_simple_scalar (const float *x, uint8_t *to);
static void tq2_0_simple_scalar (const float *x, uint8_t *to);

GGUF_LOOPS_BEGIN

#include "lanes_scalar.h"
#include "k_lanes.h"
#include "span_scalar.h"
#include "simple_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#ifdef __x86_64__
#include "lanes_avx2.h"
#include "k_lanes.h"
#include "span_avx2.h"
#include "simple_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#include "lanes_avx512.h"
#include "k_lanes.h"
#include "span_avx512.h"
#include "simple_kernels.h"
#include "span_end.h"
#include "lanes_end.h"
#endif

GGUF_LOOPS_END

#define ENCODE(id, elements) \
  static void id##_encode (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                           void *blocks, gguf_width width) \
  { \
    static simple_form *const forms[] = GGUF_FORMS (id##_blocks_simple); \
    (void)importance; \
    forms[width](values, rows *columns / elements, (uint8_t *)blocks); \
  }

#define ENCODE_OR_SEARCH(id) \
  static void id##_encode (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                           void *blocks, gguf_width width) \
  { \
    static simple_form *const forms[] = GGUF_FORMS (id##_blocks_simple); \
    if (importance) \
      gguf_search_##id (values, rows, columns, importance, blocks, width); \
    else \
      forms[width](values, rows *columns / 32, (uint8_t *)blocks); \
  }

ENCODE (q8_0, 32)
ENCODE_OR_SEARCH (q4_0)
ENCODE_OR_SEARCH (q4_1)
ENCODE_OR_SEARCH (q5_0)
ENCODE_OR_SEARCH (q5_1)
ENCODE (mxfp4, 32)
ENCODE (tq1_0, 256)
ENCODE (tq2_0, 256)

const gguf_codec gguf_q8_0 = { "q8_0", 32, 34, q8_0_encode, gguf_decode_q8_0, 1, { 0 }, 0 };
const gguf_codec gguf_q4_0 = { "q4_0", 32, 18, q4_0_encode, gguf_decode_q4_0, 1, { 0 }, 0 };
const gguf_codec gguf_q4_1 = { "q4_1", 32, 20, q4_1_encode, gguf_decode_q4_1, 2, { 0, 2 }, 0 };
const gguf_codec gguf_q5_0 = { "q5_0", 32, 22, q5_0_encode, gguf_decode_q5_0, 1, { 0 }, 0 };
const gguf_codec gguf_q5_1 = { "q5_1", 32, 24, q5_1_encode, gguf_decode_q5_1, 2, { 0, 2 }, 0 };
const gguf_codec gguf_mxfp4 = { "mxfp4", 32, 17, mxfp4_encode, gguf_decode_mxfp4, 0, { 0 }, 0 };
const gguf_codec gguf_tq1_0 = { "tq1_0", 256, 54, tq1_0_encode, gguf_decode_tq1_0, 1, { 52 }, 0 };
const gguf_codec gguf_tq2_0 = { "tq2_0", 256, 66, tq2_0_encode, gguf_decode_tq2_0, 1, { 64 }, 0 };

#undef ENCODE
#undef ENCODE_OR_SEARCH
#undef GGUF_PART

/* SPDX-License-Identifier: Apache-2.0 */
/* k.c: the types of 256 numbers a block whose parts have scales of their own: q2_k to q6_k. What encodes
 * is in k_*.h, which are compiled once for each width of vectors; what decodes is in k_decode.c. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "blocks.h"
#include "k.h"

/* Parts of a block that are searched side by side, and ranges that are tried at a time. */
enum { SIDES = 4, PAIR = 2, TRIES = 3 };

/* What is known of numbers that become codes. */
enum { NEAR = 1, NOT_ABOVE = 2, NOT_BELOW = 4 };

/* What is a constant where a function is called decides what becomes of it. */
#define INLINED static inline __attribute__ ((always_inline))
/* Arrays of vectors are registers only where no loop is left around them. */
#ifdef __clang__
#define UNROLLED _Pragma ("clang loop unroll(full)")
#else
#define UNROLLED _Pragma ("GCC unroll 16")
#endif

#include "lanes_scalar.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_moves.h"
#include "k_scale.h"
#include "k_types.h"
#include "lanes_end.h"

#ifdef __x86_64__
#include "lanes_avx2.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_moves.h"
#include "k_scale.h"
#include "k_types.h"
#include "lanes_end.h"

#include "lanes_avx512.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_moves.h"
#include "k_scale.h"
#include "k_types.h"
#include "lanes_end.h"

#define ENCODE_IN_WIDTH(id, bytes) \
  if (width == GGUF_AVX512) \
    encode_avx512 (values, rows, columns, importance, blocks, bytes, encode_##id##_avx512); \
  else if (width == GGUF_AVX2) \
    encode_avx2 (values, rows, columns, importance, blocks, bytes, encode_##id##_avx2); \
  else
#else
#define ENCODE_IN_WIDTH(id, bytes) (void)width;
#endif

#define CODEC(name, block_bytes) \
  static void encode_##name (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                             void *blocks, gguf_width width) \
  { \
    ENCODE_IN_WIDTH (name, block_bytes) \
    encode_scalar (values, rows, columns, importance, blocks, block_bytes, encode_##name##_scalar); \
  } \
  const gguf_codec gguf_##name \
      = { .id = #name, .elements = 256, .bytes = block_bytes, .encode = encode_##name, .decode = gguf_decode_##name };

CODEC (q2_k, 84)
CODEC (q3_k, 110)
CODEC (q4_k, 144)
CODEC (q5_k, 176)
CODEC (q6_k, 210)

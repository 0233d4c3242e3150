/* SPDX-License-Identifier: Apache-2.0 */
/* k.c: the types of 256 numbers a block whose parts have scales of their own: q2_k to q6_k. What encodes
 * is in k_*.h, which are compiled once for each width of vectors; what decodes is in k_decode.c. */
#include "k.h"
#include "kernels.h"

#undef GGUF_PART
#define GGUF_PART _k

/* Parts of a block that are searched side by side: without an offset as many as PAIR says. */
#define SIDES 4
#define PAIR 2

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

#endif

#define CODEC(name, block_bytes, count, ...) \
  static void name##_encode (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                             void *blocks, gguf_width width) \
  { \
    static void (*const forms[]) (const float *, uint64_t, uint64_t, const float *, uint8_t *) \
        = GGUF_FORMS (name##_rows_k); \
    forms[width] (values, rows, columns, importance, (uint8_t *)blocks); \
  } \
  const gguf_codec gguf_##name \
      = { .id = #name, .elements = 256, .bytes = block_bytes, .encode = name##_encode, \
          .decode = gguf_decode_##name, .half_count = count, .halves = { __VA_ARGS__ }, .of_parts = 1 };

CODEC (q2_k, 84, 2, 80, 82)
CODEC (q3_k, 110, 1, 108)
CODEC (q4_k, 144, 2, 0, 2)
CODEC (q5_k, 176, 2, 0, 2)
CODEC (q6_k, 210, 1, 208)

#undef CODEC
#undef PAIR
#undef SIDES
#undef GGUF_PART

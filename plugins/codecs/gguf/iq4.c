/* SPDX-License-Identifier: Apache-2.0 */
/* iq4.c: iq4_nl and iq4_xs, whose codes are places in a table of values that lie closer together around 0. */
#include "simple.h"

#include "kernels.h"

#undef GGUF_PART
#define GGUF_PART _iq4

/* Inverses that are tried at a time. */
#define TRIES 2

/* What tries make of numbers is not farther from 0: 134, and what rounding adds. */
#define IQ4_FARTHEST 134.25f

/* Between each two of the values, halfway. */
static const float iq4_borders[]
    = { -115.5f, -93.5f, -74, -57, -42, -28.5f, -16, -4.5f, 7, 19, 31.5f, 45.5f, 61, 79, 101 };

/* COUNT blocks, of PARTS of 32 numbers each; IN_ROW: parts of a row. */
typedef struct iq4_work {
  const float *values, *importance;
  uint64_t count, parts, in_row;
} iq4_work;

#include "lanes_scalar.h"
#include "k_lanes.h"
#include "span_scalar.h"
#include "iq4_nearest.h"
#include "iq4_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#ifdef __x86_64__
#include "lanes_avx2.h"
#include "k_lanes.h"
#include "span_avx2.h"
#include "iq4_nearest.h"
#include "iq4_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#include "lanes_avx512.h"
#include "k_lanes.h"
#include "span_avx512.h"
#include "iq4_nearest.h"
#include "iq4_kernels.h"
#include "span_end.h"
#include "lanes_end.h"
#endif

#define ENCODE(id, parts) \
  static void id##_encode (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                           void *blocks, gguf_width width) \
  { \
    static void (*const forms[]) (const iq4_work *, uint8_t *) = GGUF_FORMS (id##_iq4); \
    iq4_work w = { values, importance, rows * columns / 32 / parts, parts, columns / 32 }; \
    forms[width](&w, (uint8_t *)blocks); \
  }

ENCODE (iq4_nl, 1)
ENCODE (iq4_xs, 8)

const gguf_codec gguf_iq4_nl = { "iq4_nl", 32, 18, iq4_nl_encode, gguf_decode_iq4_nl, 1, { 0 }, 0 };
const gguf_codec gguf_iq4_xs = { "iq4_xs", 256, 136, iq4_xs_encode, gguf_decode_iq4_xs, 1, { 0 }, 1 };

#undef ENCODE
#undef TRIES
#undef IQ4_FARTHEST
#undef GGUF_PART

/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: q4_0, q4_1, q5_0 and q5_1 with an importance: scales are searched for, as K-quants do it. */
#include "simple.h"

#include "kernels.h"

#undef GGUF_PART
#define GGUF_PART _search

/* Blocks of a lane that are searched side by side. */
#define SIDES 2

/* Some rows of IN_ROW blocks each, COUNT in all. */
typedef struct stretch {
  const float *values, *importance, *means;
  uint64_t count, in_row;
} stretch;

#include "lanes_scalar.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_scale.h"
#include "span_scalar.h"
#include "search_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#ifdef __x86_64__
#include "lanes_avx2.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_scale.h"
#include "span_avx2.h"
#include "search_kernels.h"
#include "span_end.h"
#include "lanes_end.h"

#include "lanes_avx512.h"
#include "k_lanes.h"
#include "k_offset.h"
#include "k_scale.h"
#include "span_avx512.h"
#include "search_kernels.h"
#include "span_end.h"
#include "lanes_end.h"
#endif

typedef void search_form (const stretch *s, uint8_t *to);

static void
search_rows (search_form *search, uint32_t bytes, const float *values, uint64_t rows, uint64_t columns,
             const float *importance, void *blocks, gguf_width width)
{
  /* A multiple of all LANES. */
  enum { ROWS = 64 };
  static void (*const means_of[]) (const float *, uint64_t, uint64_t, float *) = GGUF_FORMS (mean_squares_search);
  float means[ROWS];
  uint8_t *to = (uint8_t *)blocks;
  for (uint64_t row = 0; row < rows; row += ROWS, to += ROWS * columns / 32 * bytes) {
    uint64_t count = rows - row < ROWS ? rows - row : ROWS;
    stretch s = { .values = values + row * columns, .importance = importance, .means = means };
    s.in_row = columns / 32;
    s.count = count * s.in_row;
    means_of[width](s.values, count, columns, means);
    search (&s, to);
  }
}

#define SEARCH(id, bytes) \
  void gguf_search_##id (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                         void *blocks, gguf_width width) \
  { \
    static search_form *const forms[] = GGUF_FORMS (id##_search); \
    search_rows (forms[width], bytes, values, rows, columns, importance, blocks, width); \
  }

SEARCH (q4_0, 18)
SEARCH (q4_1, 20)
SEARCH (q5_0, 22)
SEARCH (q5_1, 24)

#undef SEARCH
#undef SIDES
#undef GGUF_PART

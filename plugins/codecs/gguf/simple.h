/* SPDX-License-Identifier: Apache-2.0 */
/* simple.h: what the files of the types that are not K-quants have of each other. */
#ifndef GGUF_SIMPLE_H
#define GGUF_SIMPLE_H

#include "blocks.h"

/* Blocks of 32 with an importance: scales are searched for (search.c). */
#define GGUF_DECLARE_SEARCH(id) \
  void gguf_search_##id (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                         void *blocks, gguf_width width);
GGUF_DECLARE_SEARCH (q4_0)
GGUF_DECLARE_SEARCH (q4_1)
GGUF_DECLARE_SEARCH (q5_0)
GGUF_DECLARE_SEARCH (q5_1)

/* simple_decode.c */
#define GGUF_DECLARE_DECODE(id) void gguf_decode_##id (const void *blocks, uint64_t count, float *values);
GGUF_DECLARE_DECODE (q8_0)
GGUF_DECLARE_DECODE (q4_0)
GGUF_DECLARE_DECODE (q4_1)
GGUF_DECLARE_DECODE (q5_0)
GGUF_DECLARE_DECODE (q5_1)
GGUF_DECLARE_DECODE (iq4_nl)
GGUF_DECLARE_DECODE (iq4_xs)
GGUF_DECLARE_DECODE (mxfp4)
GGUF_DECLARE_DECODE (tq1_0)
GGUF_DECLARE_DECODE (tq2_0)

/* The sixteen values of iq4_nl and iq4_xs, and of mxfp4. */
extern const int8_t gguf_iq4_values[16], gguf_mxfp4_values[16];

#endif

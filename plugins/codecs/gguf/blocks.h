/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h: the block types of GGUF as plain functions: numbers into blocks, and back. Bytes are equal
 * to those of ggml, whose order of operations is part of what a type is: the scale of a block is found
 * by a search that compares sums, and a sum of another order picks another scale. So there is no fused
 * multiply-add here, and vectors lie across blocks that are independent of each other, never along one.
 *
 * Each type is encoded in three widths, which give the same bytes; a processor that has no such vectors
 * takes GGUF_SCALAR, which is the same source with vectors of one number.
 */
#ifndef GGUF_BLOCKS_H
#define GGUF_BLOCKS_H

#include <stdint.h>

typedef enum gguf_width { GGUF_SCALAR, GGUF_AVX2, GGUF_AVX512 } gguf_width;

/* The widest that this processor has. */
gguf_width gguf_best_width (void);

typedef struct gguf_codec {
  const char *id;           /* "q4_k" */
  uint32_t elements, bytes; /* of a block */
  /* ROWS rows of COLUMNS numbers, a multiple of .elements, become blocks, which lie one after the other
   * as the rows do. IMPORTANCE: one number for each column, or NULL; types that make no use of it leave
   * it alone. Numbers are finite: whoever calls has looked. Many rows at a time are faster than one:
   * vectors are filled from as many blocks as there are. */
  void (*encode) (const float *values, uint64_t rows, uint64_t columns, const float *importance, void *blocks,
                  gguf_width width);
  void (*decode) (const void *blocks, uint64_t count_of_blocks, float *values);
  /* Where the float16s of a block lie that all of its numbers are made with: they end at 65504, and what is
   * larger is infinite in them. */
  uint32_t half_count, halves[2];
  /* 1: parts of a block have scales of their own, found by sums. Those of huge numbers overflow, and such a scale
   * may then be 0. */
  uint32_t of_parts;
} gguf_codec;

/* The first of COUNT blocks, made of VALUES, out of which numbers would come that are not finite, or nothing of what
 * went into it; COUNT: there is none. The bytes are ggml's all the same. */
uint64_t gguf_first_lost (const gguf_codec *codec, const float *values, const void *blocks, uint64_t count);

/* Every type there is: X (id), the codec of which is gguf_ID. */
#define GGUF_CODECS(X) \
  X (q2_k) \
  X (q3_k) \
  X (q4_k) \
  X (q5_k) \
  X (q6_k) \
  X (q8_0) \
  X (q4_0) \
  X (q4_1) \
  X (q5_0) \
  X (q5_1) \
  X (iq4_nl) \
  X (iq4_xs) \
  X (mxfp4) \
  X (tq1_0) \
  X (tq2_0)

#define GGUF_DECLARE_CODEC(id) extern const gguf_codec gguf_##id;
GGUF_CODECS (GGUF_DECLARE_CODEC)
#undef GGUF_DECLARE_CODEC

#endif

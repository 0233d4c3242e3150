/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the block types of GGUF, for the files that compile them: each gives a table of what ggml made of
 * numbers that are awkward in every way. */
#ifndef TESTS_UNIT_GGUF_BLOCK_TESTS_H
#define TESTS_UNIT_GGUF_BLOCK_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <stdbool.h>
#include <stdlib.h>

#define XXH_INLINE_ALL 1
#include <xxhash.h>

#include <adze/half.h>

#include "../../plugins/codecs/gguf/blocks.h"
#include "gguf-data.h"

/* What ggml 0.25.1 made of the numbers below: hashes of all blocks without an importance, with one, and of the
 * numbers in the former. */
typedef struct golden {
  const gguf_codec *codec;
  uint64_t plain, weighed, back;
} golden;

/* ---- Numbers: those of gguf-data.h, and some that are awkward for these types. */

enum { ROWS = 5, COLUMNS = 768, NUMBERS = ROWS * COLUMNS, KINDS = GGUF_DATA_COUNT + 5 };

/* Powers of two and numbers a few units below; the greatest of a block is that next to one. */
static float
near_power (gguf_random *random, uint64_t i)
{
  uint32_t power = (uint32_t)(i / 32 * 11 % 255), less = (uint32_t)(gguf_random_bits (random) % 100);
  if (power < 8)
    return adze_float_of_bits (less << 10);
  return adze_float_of_bits ((power << 23) - (i % 32 == 5 ? less : less << 19));
}

static float
awkward_number (unsigned kind, gguf_random *random, uint64_t i)
{
  uint64_t bits = gguf_random_bits (random);
  switch (kind) {
  case 0: return bits & 1 ? 0.0f : -0.0f;
  case 1: return (bits & 1 ? 1.0f : -1.0f) * (bits & 6 ? 0.5f : 1.5f) * (bits & 56 ? 1 : 2);
  case 2: return near_power (random, i) * (bits & 1 ? 1.0f : -1.0f);
  case 3: return (bits & 1 ? 1.0f : -1.0f) * (bits & 2 ? FLT_MAX : 1e38f);
  default: return bits & 1 ? 1e-43f : -0.0f;
  }
}

static void
fill (unsigned kind, float *values)
{
  if (kind < GGUF_DATA_COUNT) {
    gguf_data_fill ((gguf_data_kind)kind, 7, ROWS, COLUMNS, values);
    return;
  }
  gguf_random random = { kind };
  for (uint64_t i = 0; i < NUMBERS; i++)
    values[i] = awkward_number (kind - GGUF_DATA_COUNT, &random, i);
}

/* ---- Blocks of all kinds, one after the other. */

typedef struct blocks {
  uint8_t *bytes;
  size_t size, count;
} blocks;

/* FIRST and END: of the kinds of importance. */
static blocks
encoded (const gguf_codec *codec, gguf_width width, unsigned first, unsigned end)
{
  static float values[NUMBERS], importance[COLUMNS];
  size_t count = NUMBERS / codec->elements;
  blocks made = { .count = count * KINDS * (end - first) };
  made.size = made.count * codec->bytes;
  made.bytes = (uint8_t *)malloc (made.size + 1);
  assert_non_null (made.bytes);
  uint8_t *to = made.bytes;
  for (unsigned kind = 0; kind < KINDS; kind++)
    for (unsigned i = first; i < end; i++, to += count * codec->bytes) {
      fill (kind, values);
      to[count * codec->bytes] = 0xa5;
      codec->encode (values, ROWS, COLUMNS, gguf_importance_fill (i, 3, COLUMNS, importance), to, width);
      /* Not a byte too many. */
      assert_int_equal (to[count * codec->bytes], 0xa5);
    }
  return made;
}

static void
every_width_gives_the_same_bytes (void **state)
{
  const golden *table = (const golden *)*state;
  for (unsigned t = 0; table[t].codec; t++) {
    blocks needed = encoded (table[t].codec, GGUF_SCALAR, 0, GGUF_IMPORTANCE_KINDS);
    for (gguf_width width = GGUF_AVX2; width <= gguf_best_width (); width++) {
      blocks found = encoded (table[t].codec, width, 0, GGUF_IMPORTANCE_KINDS);
      assert_memory_equal (found.bytes, needed.bytes, needed.size);
      free (found.bytes);
    }
    free (needed.bytes);
  }
}

static uint64_t
hash_of_blocks (const gguf_codec *codec, unsigned first, unsigned end)
{
  blocks made = encoded (codec, gguf_best_width (), first, end);
  uint64_t hash = XXH3_64bits (made.bytes, made.size);
  free (made.bytes);
  return hash;
}

static uint64_t
hash_of_numbers (const gguf_codec *codec)
{
  blocks made = encoded (codec, gguf_best_width (), 0, 1);
  size_t count = made.count * codec->elements;
  float *numbers = (float *)malloc (count * sizeof *numbers);
  assert_non_null (numbers);
  codec->decode (made.bytes, made.count, numbers);
  /* What became infinite in float16 has NaNs in it, of which the sign is the processor's. */
  for (size_t i = 0; i < count; i++)
    numbers[i] = numbers[i] == numbers[i] ? numbers[i] : 0;
  uint64_t hash = XXH3_64bits (numbers, count * sizeof *numbers);
  free (numbers);
  free (made.bytes);
  return hash;
}

static void
bytes_are_those_of_ggml (void **state)
{
  const golden *table = (const golden *)*state;
  for (unsigned t = 0; table[t].codec; t++) {
    const golden *g = &table[t];
    assert_int_equal (hash_of_blocks (g->codec, 0, 1), g->plain);
    assert_int_equal (hash_of_blocks (g->codec, 1, GGUF_IMPORTANCE_KINDS), g->weighed);
  }
}

static void
numbers_are_those_of_ggml (void **state)
{
  const golden *table = (const golden *)*state;
  for (unsigned t = 0; table[t].codec; t++)
    assert_int_equal (hash_of_numbers (table[t].codec), table[t].back);
}

/* Rows and pieces of them may be coded at any time, in any company: an importance is that of a column. */
static void
a_row_by_itself_has_the_same_bytes (void **state)
{
  const golden *table = (const golden *)*state;
  static float values[NUMBERS], importance[COLUMNS];
  static uint8_t together[2 * NUMBERS], alone[2 * NUMBERS];
  fill (GGUF_DATA_outliers, values);
  gguf_importance_fill (2, 3, COLUMNS, importance);
  for (unsigned t = 0; table[t].codec; t++)
    for (gguf_width width = GGUF_SCALAR; width <= gguf_best_width (); width++) {
      const gguf_codec *codec = table[t].codec;
      size_t row = COLUMNS / codec->elements * codec->bytes;
      codec->encode (values, ROWS, COLUMNS, importance, together, width);
      for (size_t r = 0; r < ROWS; r++)
        codec->encode (values + COLUMNS * r, 1, COLUMNS, importance, alone + row * r, width);
      assert_memory_equal (alone, together, row * ROWS);
    }
}

/* TABLE ends with a NULL. */
static int
run_block_tests (const golden *table)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_prestate (every_width_gives_the_same_bytes, (void *)table),
    cmocka_unit_test_prestate (bytes_are_those_of_ggml, (void *)table),
    cmocka_unit_test_prestate (numbers_are_those_of_ggml, (void *)table),
    cmocka_unit_test_prestate (a_row_by_itself_has_the_same_bytes, (void *)table),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are a function of key and index: the published vectors, and that neither the way of
 * asking nor a mere shift of letters between names can give the same or another stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <adze/random.h>

#include "base/cleanup.h"
#include "base/random.h"

/* Known answers for philox4x32 with 10 rounds, as the authors of the generator publish them. */
static void
published_vectors (void **state)
{
  (void)state;
  static const struct {
    uint32_t counter[4];
    uint32_t key[2];
    uint32_t answer[4];
  } vectors[] = {
    { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
      { 0xffffffff, 0xffffffff },
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
      { 0xa4093822, 0x299f31d0 },
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (vectors); i++) {
    uint32_t out[4];
    adze_random_block (vectors[i].counter, vectors[i].key, out);
    assert_memory_equal (out, vectors[i].answer, sizeof out);
  }
}

/* Two values a block, the low word first, the counter counting blocks. */
static void
values_are_halves_of_blocks (void **state)
{
  (void)state;
  uint64_t values[2];
  adze_random_values (0, 0, values, 2);
  assert_true (values[0] == UINT64_C (0xe169c58d6627e8d5));
  assert_true (values[1] == UINT64_C (0x9b00dbd8bc57ac4c));

  uint64_t key = UINT64_C (0x0123456789abcdef);
  uint64_t first = UINT64_C (0x1fffffffe);
  uint32_t counter[4] = { 0xffffffff, 0, 0, 0 }, keys[2] = { 0x89abcdef, 0x01234567 }, words[4];
  adze_random_block (counter, keys, words);
  adze_random_values (key, first, values, 2);
  assert_true (values[0] == (words[0] | (uint64_t)words[1] << 32));
  assert_true (values[1] == (words[2] | (uint64_t)words[3] << 32));
  counter[0] = 0;
  counter[1] = 1;
  adze_random_block (counter, keys, words);
  adze_random_values (key, first + 2, values, 1);
  assert_true (values[0] == (words[0] | (uint64_t)words[1] << 32));
}

static void
any_way_of_asking_gives_the_same (void **state)
{
  (void)state;
  enum { COUNT = 37 };
  uint64_t key = adze_random_key (7, "prune", "layer.0");
  uint64_t whole[COUNT];
  adze_random_values (key, 0, whole, COUNT);
  for (size_t first = 0; first < COUNT; first++)
    for (size_t count = 0; count <= COUNT - first; count++) {
      uint64_t part[COUNT + 1];
      part[count] = 0x5a;
      adze_random_values (key, first, part, count);
      assert_memory_equal (part, whole + first, count * sizeof *part);
      assert_true (part[count] == 0x5a);
    }
}

/* Of many, blocks are made side by side; of two at a time, one by one. */
static void
many_are_the_same_as_few (void **state)
{
  (void)state;
  enum { COUNT = 200 };
  const uint64_t firsts[] = { 0, 6, 7, UINT64_C (0x1ffffffe0), UINT64_MAX - 51 };
  for (size_t k = 0; k < ADZE_COUNT_OF (firsts); k++) {
    uint64_t many[COUNT], few[2];
    adze_random_values (9, firsts[k], many, COUNT);
    for (uint64_t i = 0; i < COUNT; i += 2) {
      adze_random_values (9, firsts[k] + i, few, 2);
      assert_memory_equal (many + i, few, sizeof few);
    }
  }
}

static void
the_index_wraps (void **state)
{
  (void)state;
  uint64_t around[4], zero[2];
  adze_random_values (5, UINT64_MAX - 1, around, 4);
  adze_random_values (5, 0, zero, 2);
  assert_memory_equal (around + 2, zero, sizeof zero);
}

static void
keys_differ (void **state)
{
  (void)state;
  const uint64_t keys[] = {
    adze_random_key (1, "ab", "c"), adze_random_key (1, "a", "bc"), adze_random_key (1, "abc", ""),
    adze_random_key (1, "", "abc"), adze_random_key (2, "ab", "c"), adze_random_key (0, "", ""),
    adze_random_key (1, "c", "ab"),
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++)
    for (size_t j = 0; j < i; j++)
      assert_true (keys[i] != keys[j]);
  assert_true (adze_random_key (1, NULL, "abc") == adze_random_key (1, "", "abc"));
}

/* The first values of a stream, written down: whoever changes them breaks every published run. */
static void
streams_stay_as_they_are (void **state)
{
  (void)state;
  uint64_t value;
  adze_random_values (adze_random_key (7, "prune-magnitude", "fc1.weight"), 0, &value, 1);
  assert_int_equal (value, UINT64_C (0x33f13ee08a4a1630));
}

static void
units_are_uniform (void **state)
{
  (void)state;
  enum { COUNT = 20000 };
  static uint64_t bits[COUNT];
  adze_random_values (adze_random_key (1, "test", "unit"), 0, bits, COUNT);
  unsigned counts[10] = { 0 };
  for (size_t i = 0; i < COUNT; i++) {
    double unit = adze_random_unit (bits[i]);
    assert_true (unit >= 0 && unit < 1);
    counts[(size_t)(unit * 10)]++;
  }
  for (size_t i = 0; i < 10; i++)
    assert_in_range (counts[i], COUNT / 10 - 200, COUNT / 10 + 200);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (published_vectors),
    cmocka_unit_test (values_are_halves_of_blocks),
    cmocka_unit_test (any_way_of_asking_gives_the_same),
    cmocka_unit_test (many_are_the_same_as_few),
    cmocka_unit_test (the_index_wraps),
    cmocka_unit_test (keys_differ),
    cmocka_unit_test (streams_stay_as_they_are),
    cmocka_unit_test (units_are_uniform),
  };
  return cmocka_run_group_tests_name ("random", tests, NULL, NULL);
}

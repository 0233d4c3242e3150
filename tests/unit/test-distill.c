/* SPDX-License-Identifier: Apache-2.0 */
/* Examples by what is in them: what distill finds the answers of its teachers by. What it learns is tested from files
 * to files, in tests/pipelines/test-distill.sh. */
#include "fake-host.h"

#include "../../plugins/techniques/distill/keys.c"

enum { BYTES = 784, MOST = BYTES * 8 + 1 };

static distill_key
key_of (const void *bytes, size_t size)
{
  distill_key key = distill_key_begin ();
  distill_key_add (&key, bytes, size);
  distill_key_end (&key);
  return key;
}

static bool
same (distill_key a, distill_key b)
{
  return a.first == b.first && a.second == b.second;
}

/* An example, and each that differs from it in a single bit: none has the key of another, nor half of it. */
static void
a_bit_makes_another_example (void **state)
{
  const adze_host *host = *state;
  static uint8_t example[BYTES];
  distill_keys keys[3];
  for (size_t k = 0; k < 3; k++)
    assert_int_equal (distill_keys_open (host, &keys[k], MOST), ADZE_OK);
  for (size_t i = 0; i < MOST; i++) {
    if (i > 0)
      example[(i - 1) / 8] ^= (uint8_t)(1u << (i - 1) % 8);
    distill_key key = key_of (example, sizeof example);
    if (i > 0)
      example[(i - 1) / 8] ^= (uint8_t)(1u << (i - 1) % 8);
    assert_int_equal (distill_keys_find (&keys[0], key), SIZE_MAX);
    assert_int_equal (distill_keys_put (&keys[0], key), i);
    assert_int_equal (distill_keys_put (&keys[1], (distill_key){ key.first, 0 }), i);
    assert_int_equal (distill_keys_put (&keys[2], (distill_key){ 0, key.second }), i);
  }
  assert_int_equal (distill_keys_put (&keys[0], key_of (example, sizeof example)), 0);
  assert_int_equal (keys[0].count, MOST);
  for (size_t i = 0; i < MOST; i++)
    assert_int_equal (distill_keys_find (&keys[0], keys[0].keys[i]), i);
  for (size_t k = 0; k < 3; k++)
    distill_keys_close (host, &keys[k]);
}

/* Two columns are not one, zeros behind an end are not nothing, and the same bytes are the same example. */
static void
columns_and_ends_count (void **state)
{
  static const char text[] = "an example\0\0\0\0\0\0";
  (void)state;
  distill_key two = distill_key_begin (), other = distill_key_begin ();
  distill_key_add (&two, text, 3);
  distill_key_add (&two, text + 3, 7);
  distill_key_end (&two);
  distill_key_add (&other, text, 4);
  distill_key_add (&other, text + 4, 6);
  distill_key_end (&other);
  assert_false (same (two, other));
  assert_false (same (two, key_of (text, 10)));
  for (size_t size = 10; size < sizeof text; size++)
    assert_false (same (key_of (text, size), key_of (text, size + 1)));
  assert_true (same (key_of (text, 10), key_of (text, 10)));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_prestate (a_bit_makes_another_example, (void *)&fake_host),
    cmocka_unit_test (columns_and_ends_count),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

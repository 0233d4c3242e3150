/* SPDX-License-Identifier: Apache-2.0 */
/* The source jsonl: values, shapes, what is refused, and memory and disks that fail. */
#include "../../plugins/sources/jsonl/jsonl_value.c"
#include "../../plugins/sources/jsonl/jsonl_read.c"
#undef SHOWN
#include "../../plugins/sources/jsonl/jsonl.c"

#include "source-tests.h"

static void
open_text (const char *text, const char *settings)
{
  must_open ("path", text, strlen (text), settings);
}

static void
fields_become_columns (void **state)
{
  (void)state;
  const uint64_t order[] = { 1, 0 };
  open_text ("{\"a\": 1, \"b\": [[1, 2], [3, -4.5e1]], \"t\": \"h\\u00e9\\n\", \"z\": true}\n\n"
             " { \"t\":\"\\ud83d\\ude00\\\"\" ,\"a\":-2,\"b\":[[5,6],[7,8]],\"z\":false, "
             "\"more\":{\"x\":[1,{\"y\":[]}, null]}} \r\n",
             NULL);
  assert_int_equal (own.schema.examples, 2);
  assert_int_equal (own.schema.count, 4);
  column_is (0, "a", ADZE_INT, 64, 0);
  column_is (1, "b", ADZE_FLOAT, 64, 2);
  column_is (2, "t", 0, 0, 0);
  column_is (3, "z", ADZE_BOOL, 8, 0);
  must_read (order, 2);
  assert_int_equal (i64_at (0, 0), -2);
  assert_true (f64_at (1, 0) == 5 && f64_at (1, 4) == 1 && f64_at (1, 7) == -45);
  assert_string_equal (text_at (2, 0), "\xf0\x9f\x98\x80\"");
  assert_string_equal (text_at (2, 1), "h\xc3\xa9\n");
  assert_int_equal (((const char *)own.batch.rooms[3])[0], 0);
  assert_int_equal (((const char *)own.batch.rooms[3])[1], 1);
}

static void
fields_are_chosen (void **state)
{
  (void)state;
  const uint64_t first[] = { 0 };
  open_text ("{\"a\": {}, \"b\": 9007199254740993, \"c\": \"x\"}", "fields=[\"c\", \"b\"]\0");
  assert_int_equal (own.schema.count, 2);
  column_is (0, "c", 0, 0, 0);
  must_read (first, 1);
  assert_int_equal (i64_at (1, 0), INT64_C (9007199254740993));
}

static void
numbers_may_be_missing (void **state)
{
  (void)state;
  const uint64_t all[] = { 0, 1, 2 };
  open_text ("{\"a\": null, \"b\": [1, 2]}\n{\"a\": 3, \"b\": null}\n{\"a\": 4}\n",
             "missing=nan\0number-type=f32\0");
  column_is (0, "a", ADZE_FLOAT, 32, 0);
  column_is (1, "b", ADZE_FLOAT, 32, 1);
  must_read (all, 3);
  const float *a = own.batch.rooms[0], *b = own.batch.rooms[1];
  assert_true (isnan (a[0]) && a[1] == 3 && a[2] == 4);
  assert_true (b[0] == 1 && b[1] == 2 && isnan (b[2]) && isnan (b[5]));
}

static void
what_is_no_such_line_is_refused (void **state)
{
  (void)state;
  static char deep[400];
  strcpy (deep, "{\"a\":1,\"b\":");
  memset (deep + strlen (deep), '[', 100);
  const refused cases[] = {
    { "", 0, NULL, "path has no lines" },
    { " \n\t\n", 0, NULL, "path has no lines" },
    { "[1]\n", 0, NULL, "path:1:1: '[', where '{'" },
    { "{\"a\":1}\n{\"a\":1", 0, NULL, "path:2:7: the line ends where a comma or '}' is needed" },
    { "{\"a\":1}\n\n{\"a\":1} x\n", 0, NULL, "path:3:9: 'x', where the end of the line" },
    { "{\"a\":01}\n", 0, NULL, "path:1|begins with a zero" },
    { "{\"a\":1.}\n", 0, NULL, "a digit" },
    { "{\"a\":-}\n", 0, NULL, "a digit" },
    { "{\"a\":1e}\n", 0, NULL, "a digit" },
    { "{\"a\":1}\n{\"a\":18446744073709551615}\n", 0, NULL,
      "path:2:6: the whole number 18446744073709551615|18446744073709551616" },
    { "{\"a\":1e999}\n", 0, NULL, "too large" },
    { "{\"a\":NaN}\n", 0, NULL, "'N', where a value" },
    { "{\"a\":\"\\x\"}\n", 0, NULL, "behind a backslash" },
    { "{\"a\":\"\\ud800\"}\n", 0, NULL, "half of a surrogate pair" },
    { "{\"a\":\"\\ud800\\u0041\"}\n", 0, NULL, "half of a surrogate pair" },
    { "{\"a\":\"\xff\"}\n", 0, NULL, "0xff, where UTF-8" },
    { "{\"a\":\"\xc3\"}\n", 0, NULL, "UTF-8" },
    { "{\"a\":\"\x01\"}\n", 0, NULL, "an escape" },
    { "{\"a\":\"x\n", 0, NULL, "the quote that ends" },
    { "{\"a\":1,}\n", 0, NULL, "a quote" },
    { "{\"a\":1,\"a\":2}\n", 0, NULL, "the key 'a' for the second time" },
    { "{\"a\":{}}\n", 0, NULL, "'a' is an object|fields" },
    { "{\"a\":[]}\n", 0, NULL, "an empty array in 'a'" },
    { "{\"a\":[\"x\"]}\n", 0, NULL, "a number" },
    { "{\"a\":[[1],[1,2]]}\n", 0, NULL, "'a' are not of one length" },
    { "{\"a\":[1,[2]]}\n", 0, NULL, "'a' are not of one length" },
    { "{\"a\":[[1],2]}\n", 0, NULL, "'a' are not of one length" },
    { "{\"a\":[1,2]}\n{\"a\":[1]}\n", 0, NULL,
      "path:2: the field 'a' is an array of numbers, 1 here, and an array of numbers, 2" },
    { "{\"a\":1}\n{\"a\":\"x\"}\n", 0, NULL, "path:2: the field 'a' is a text here, and a number" },
    { "{\"a\":1}\n{}\n", 0, NULL, "path:2: the field 'a' is not there|missing" },
    { "{\"a\":1}\n{\"a\":null}\n", 0, NULL, "path:2: the field 'a' is null" },
    { "{\"a\":null}\n", 0, "missing=nan\0", "'a' has no value in any line" },
    { "{\"a\":\"x\"}\n{}\n", 0, "missing=nan\0", "path:2|only a number can be missing" },
    { "{}\n", 0, NULL, "path:1: the first object has no fields" },
    { "{\"\":1}\n", 0, NULL, "a key that is empty" },
    { "{\"a\\u0000\":1}\n", 0, NULL, "a key that is empty or has a NUL" },
    { "{\"a\":1}\n", 0, "fields=[\"a\", \"a\"]\0", "'fields' has 'a' twice" },
    { "{\"a\":1,\"b\":[}\n", 0, "fields=[\"a\"]\0", "a value" },
    { "{\"a\":1,\"b\":[1}\n", 0, "fields=[\"a\"]\0", "a comma or ']'" },
    { "{\"a\":1,\"b\":{\"c\" 1}}\n", 0, "fields=[\"a\"]\0", "a colon" },
    { "{\"a\":1,\"b\":truth}\n", 0, "fields=[\"a\"]\0", "'t', where a value" },
    { deep, 0, "fields=[\"a\"]\0", "more than 64 arrays and objects" },
    { "{\"a\":[[[[[[[[[1]]]]]]]]]}\n", 0, NULL, "more than 8 arrays" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    must_refuse ("path", &cases[i], i);
}

static void
memory_and_disk_may_fail (void **state)
{
  (void)state;
  static const char text[]
      = "{\"a\":1,\"b\":[1,2],\"t\":\"\\u00e9 and\"}\n{\"a\":1.5,\"b\":[3,4],\"t\":\"y\"}\n";
  set_file ("path", text, sizeof text - 1);
  own_try_failures (NULL);
  own_try_failures ("fields=[\"t\", \"a\"]\0");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (fields_become_columns),
    cmocka_unit_test (fields_are_chosen),
    cmocka_unit_test (numbers_may_be_missing),
    cmocka_unit_test (what_is_no_such_line_is_refused),
    cmocka_unit_test (memory_and_disk_may_fail),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  own_end ();
  return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a document: building, comparing, writing, complaining, guessing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/value.h"

/* ---- The tree. */

static void
test_get (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  for (int i = 0; i < 100; i++) {
    char key[16];
    snprintf (key, sizeof key, "k%d", i);
    adze_json_int (table, key, i);
  }
  assert_int_equal (adze_value_get (table, "k77")->integer, 77);
  assert_null (adze_value_get (table, "k100"));
  assert_null (adze_value_get (table, "k"));
  assert_null (adze_value_get (NULL, "k"));
  assert_null (adze_value_get (adze_value_get (table, "k1"), "k"));
}

static void
test_append_checks_the_container (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE list = adze_value_new (ADZE_VALUE_LIST);
  ADZE_AUTO_ERROR keyed = adze_value_append (list, "key", adze_value_new (ADZE_VALUE_BOOL));
  assert_int_equal (adze_error_status (keyed), ADZE_E_INTERNAL);
  ADZE_AUTO_ERROR nothing = adze_value_append (list, NULL, NULL);
  assert_int_equal (adze_error_status (nothing), ADZE_E_MEMORY);
  assert_int_equal (list->count, 0);
}

static adze_value *
sample (void)
{
  adze_value *root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (root, "name", "x \"y\"");
  adze_value *list = adze_json_list (root, "sizes");
  adze_json_int (list, NULL, 1);
  adze_json_float (list, NULL, 1);
  adze_json_bool (adze_json_table (root, "odd key"), "", true);
  adze_json_table (root, "none");
  adze_json_list (root, "empty");
  assert_false (adze_json_failed (root));
  return root;
}

static void
test_copy_and_equal (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = sample ();
  value->line = 7;
  ADZE_AUTO_VALUE copy = adze_value_copy (value);
  assert_int_equal (copy->line, 7);
  assert_true (adze_value_equal (value, copy));

  /* The order of keys says nothing; that of a list does. */
  adze_value *first = copy->items[0];
  copy->items[0] = copy->items[1];
  copy->items[1] = first;
  assert_true (adze_value_equal (value, copy));
  adze_value *list = copy->items[0];
  first = list->items[0];
  list->items[0] = list->items[1];
  list->items[1] = first;
  assert_false (adze_value_equal (value, copy));
}

static void
test_unequal (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE list = adze_value_new (ADZE_VALUE_LIST);
  adze_json_int (list, NULL, 1);
  adze_json_float (list, NULL, 1);
  adze_json_float (list, NULL, NAN);
  adze_json_string (list, NULL, "1");
  adze_json_string (list, NULL, "12");
  adze_json_string (list, NULL, "");
  adze_json_bool (list, NULL, true);
  adze_json_bool (list, NULL, false);
  adze_json_int (adze_json_table (list, NULL), "a", 1);
  adze_json_int (adze_json_table (list, NULL), "b", 1);
  adze_json_int (adze_json_table (list, NULL), "a", 2);
  for (size_t i = 0; i < list->count; i++)
    for (size_t j = 0; j < list->count; j++)
      assert_int_equal (adze_value_equal (list->items[i], list->items[j]), i == j);
}

/* ---- Writing. */

static void
test_write_toml (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = sample ();
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_value_write_toml (value, &text);
  assert_string_equal (text.data, "{ name = \"x \\\"y\\\"\", sizes = [1, 1.0], "
                                  "\"odd key\" = { \"\" = true }, none = {}, empty = [] }");
}

static void
expect_real (double value, const char *expected)
{
  char text[ADZE_REAL_TEXT];
  adze_real_text (value, text);
  assert_string_equal (text, expected);
}

static void
test_reals (void **state)
{
  (void)state;
  expect_real (0, "0.0");
  expect_real (-0.0, "-0.0");
  expect_real (1, "1.0");
  expect_real (0.1, "0.1");
  expect_real (-2.5, "-2.5");
  expect_real (100, "100.0");
  expect_real (123456.789, "123456.789");
  expect_real (0.00001, "0.00001");
  expect_real (0.000001, "1e-06");
  expect_real (1e15, "1000000000000000.0");
  expect_real (1234567890123456, "1234567890123456.0");
  expect_real (1e16, "1e+16");
  expect_real (1.5e300, "1.5e+300");
  expect_real (DBL_MAX, "1.7976931348623157e+308");
  expect_real (5e-324, "5e-324");
  expect_real (1.0 / 3, "0.3333333333333333");
  expect_real (0.1 + 0.2, "0.30000000000000004");
  expect_real (INFINITY, "inf");
  expect_real (-INFINITY, "-inf");
  expect_real (NAN, "nan");
}

static void
test_reals_read_back (void **state)
{
  (void)state;
  uint64_t bits = 1;
  for (int i = 0; i < 20000; i++) {
    bits = bits * 6364136223846793005u + 1442695040888963407u;
    double value;
    memcpy (&value, &bits, sizeof value);
    if (!isfinite (value))
      continue;
    char text[ADZE_REAL_TEXT];
    adze_real_text (value, text);
    double again = strtod (text, NULL);
    assert_memory_equal (&again, &value, sizeof value);
  }
}

/* Where a comma stands for the point, it must not end up in a file. */
static void
test_reals_do_not_follow_the_locale (void **state)
{
  (void)state;
  static const char *const names[]
      = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8", "de_DE" };
  bool found = false;
  for (size_t i = 0; i < ADZE_COUNT_OF (names) && !found; i++)
    found = setlocale (LC_NUMERIC, names[i]) && strcmp (localeconv ()->decimal_point, ",") == 0;
  if (!found) {
    print_message ("locale: skipped, none with a decimal comma is installed\n");
    skip ();
  }
  expect_real (1.5, "1.5");
  expect_real (1.25e300, "1.25e+300");
  setlocale (LC_NUMERIC, "C");
}

/* ---- Complaints. */

static char document_path[] = "p.toml";

static void
expect_place (const char *text, uint32_t line, uint32_t column, const char *source,
              const char *caret)
{
  ADZE_AUTO_FREE char *copy = strdup (text);
  adze_document document = { .path = document_path, .text = copy };
  adze_value at = { .line = line, .column = column };
  ADZE_AUTO_ERROR error = adze_document_error (&document, &at, "no %s", "good");
  ADZE_AUTO (adze_buffer) message = { 0 };
  adze_buffer_format (&message, "p.toml:%u:%u: no good", (unsigned)line, (unsigned)column);
  assert_string_equal (adze_error_message (error), message.data);
  if (source) {
    assert_string_equal (adze_error_fact (error, "source"), source);
    assert_string_equal (adze_error_fact (error, "caret"), caret);
  } else {
    assert_null (adze_error_fact (error, "source"));
  }
}

static void
test_place (void **state)
{
  (void)state;
  expect_place ("a = 1\r\n\tb = 2\r\n", 2, 6, "\tb = 2", "\t    ^");
  expect_place ("\xef\xbb\xbf\xc3\xa9 = 1", 1, 3, "\xc3\xa9 = 1", "  ^");
  expect_place ("a = ", 1, 5, "a = ", "    ^");
  expect_place ("a\n", 2, 1, "", "^");
  expect_place ("a\n", 9, 1, NULL, NULL);
}

/* A line of a megabyte is shown around the place. */
static void
test_long_line_is_cut (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text = malloc (1000001);
  memset (text, 'x', 1000000);
  text[1000000] = '\0';
  text[499999] = '?';
  adze_document document = { .path = document_path, .text = text };
  adze_value at = { .line = 1, .column = 500000 };
  ADZE_AUTO_ERROR error = adze_document_error (&document, &at, "odd");
  const char *source = adze_error_fact (error, "source");
  const char *caret = adze_error_fact (error, "caret");
  assert_true (strlen (source) < 200);
  assert_memory_equal (source, "...x", 4);
  assert_int_equal (source[strlen (caret) - 1], '?');
  assert_string_equal (source + strlen (source) - 4, "x...");
}

static void
test_places_of_keys_and_files (void **state)
{
  (void)state;
  char text[] = "key = 1\n";
  adze_document document = { .path = document_path, .text = text };
  adze_value at = { .line = 1, .column = 7, .key_line = 1, .key_column = 1 };
  ADZE_AUTO_ERROR key = adze_document_key_error (&document, &at, "unknown");
  assert_string_equal (adze_error_message (key), "p.toml:1:1: unknown");
  assert_string_equal (adze_error_fact (key, "caret"), "^");
  at.key_line = 0; /* an entry of a list */
  ADZE_AUTO_ERROR value = adze_document_key_error (&document, &at, "unknown");
  assert_string_equal (adze_error_message (value), "p.toml:1:7: unknown");
  ADZE_AUTO_ERROR whole = adze_document_error (&document, NULL, "too old");
  assert_string_equal (adze_error_message (whole), "p.toml: too old");
  assert_string_equal (adze_error_fact (whole, "file"), "p.toml");
  assert_null (adze_error_fact (whole, "line"));
}

/* ---- Did you mean. */

static void
test_nearest (void **state)
{
  (void)state;
  static const char *const names[]
      = { "sparsity", "scope", "codec", "use", "id", "x", "max-rss", "epoch", "epochs" };
  static const struct {
    const char *word, *meant;
  } cases[] = {
    { "sparsty", "sparsity" },   { "sparsiyt", "sparsity" }, { "sprasity", "sparsity" },
    { "Sparsity", "sparsity" },  { "SPARSITY", "sparsity" }, { "spersaty", "sparsity" },
    { "density", NULL },         { "scoep", "scope" },       { "uses", "use" },
    { "us", "use" },             { "di", "id" },             { "max_rss", "max-rss" },
    { "epochs", "epochs" },      { "epochss", "epochs" },    { "y", NULL },
    { "", NULL },                { "learning-rate", NULL },  { "pope", NULL },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    const char *nearest = adze_nearest (cases[i].word, names, ADZE_COUNT_OF (names));
    if (cases[i].meant)
      assert_string_equal (nearest ? nearest : "(none)", cases[i].meant);
    else
      assert_null (nearest);
  }
  assert_null (adze_nearest ("use", NULL, 0));
}

static void
test_nearest_of_long_words (void **state)
{
  (void)state;
  char word[1000], name[1000];
  memset (word, 'a', sizeof word);
  memset (name, 'a', sizeof name);
  const char *names[] = { name };
  for (size_t length = 120; length < 140; length++) {
    word[length] = name[length + 1] = '\0';
    adze_nearest (word, names, 1);
    word[length] = name[length + 1] = 'a';
  }
  word[128] = name[127] = '\0';
  assert_ptr_equal (adze_nearest (word, names, 1), name);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_get),
    cmocka_unit_test (test_append_checks_the_container),
    cmocka_unit_test (test_copy_and_equal),
    cmocka_unit_test (test_unequal),
    cmocka_unit_test (test_write_toml),
    cmocka_unit_test (test_reals),
    cmocka_unit_test (test_reals_read_back),
    cmocka_unit_test (test_reals_do_not_follow_the_locale),
    cmocka_unit_test (test_place),
    cmocka_unit_test (test_long_line_is_cut),
    cmocka_unit_test (test_places_of_keys_and_files),
    cmocka_unit_test (test_nearest),
    cmocka_unit_test (test_nearest_of_long_words),
  };
  return cmocka_run_group_tests_name ("value", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is read, what is refused, what is written, and that the one is the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/json.h"

static void
must (adze_error *error)
{
  if (!error)
    return;
  char *text = adze_error_text (error);
  print_error ("%s", text ? text : "out of memory\n");
  free (text);
  adze_error_free (error);
  fail ();
}

/* ---- Reading. */

static void
test_every_type (void **state)
{
  (void)state;
  static const char text[] = "{\"z\": true, \"i\": -9223372036854775808, \"f\": 1.0, "
                             "\"s\": \"\\u00e9\\ud83d\\ude00\\u0000!\", \"l\": [1, []], \"a\": {}}";
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_json_parse ("t.json", text, strlen (text), &document));
  const adze_value *root = document.root;
  assert_string_equal (document.path, "t.json");
  assert_string_equal (root->items[0]->key, "z");
  assert_string_equal (root->items[5]->key, "a");
  assert_true (adze_value_get (root, "z")->boolean);
  assert_true (adze_value_get (root, "i")->integer == INT64_MIN);
  assert_int_equal (adze_value_get (root, "f")->type, ADZE_VALUE_FLOAT);
  const adze_value *string = adze_value_get (root, "s");
  assert_int_equal (string->string_size, 8);
  assert_memory_equal (string->string, "\xc3\xa9\xf0\x9f\x98\x80\0!", 9);
  assert_int_equal (adze_value_get (root, "l")->items[1]->type, ADZE_VALUE_LIST);
  assert_int_equal (adze_value_get (root, "a")->type, ADZE_VALUE_TABLE);
}

static void
test_any_value_is_a_document (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_json_parse ("t.json", " 7 ", 3, &document));
  assert_int_equal (document.root->integer, 7);
}

static adze_error *
refusal (const char *text, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  adze_error *error = adze_json_parse ("t.json", text, size, &document);
  assert_non_null (error);
  assert_null (document.root);
  assert_string_equal (document.path, "t.json");
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  return error;
}

static void
test_bad_documents_are_refused (void **state)
{
  (void)state;
  static const char *const texts[] = {
    "", "{", "{\"a\": 1", "{\"a\": 1}x", "[1,]", "{\"a\": 1, \"a\": 2}", "[01]", "\"\xff\"",
    "9223372036854775808", "1e999", "[nan]", "\"\\ud800\"", "\"a\nb\"", "{a: 1}", "'a'", "null",
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (texts); i++)
    adze_error_free (refusal (texts[i], strlen (texts[i])));
  adze_error_free (refusal ("[1]\0", 4));
}

static void
test_syntax_error_shows_the_place (void **state)
{
  (void)state;
  static const char text[] = "{\"a\": 1,\n \"b\": [1, }\n}";
  ADZE_AUTO_ERROR error = refusal (text, strlen (text));
  assert_memory_equal (adze_error_message (error), "t.json:2:11: ", 13);
  assert_string_equal (adze_error_fact (error, "source"), " \"b\": [1, }");
  assert_string_equal (adze_error_fact (error, "caret"), "          ^");
}

static void
test_null_is_named (void **state)
{
  (void)state;
  static const char text[] = "{\"a\": {\"b\": [1, {\"c\": null}]}}";
  ADZE_AUTO_ERROR error = refusal (text, strlen (text));
  assert_non_null (strstr (adze_error_message (error), "t.json: a.b[1].c is null"));
}

static void
test_depth_is_bounded (void **state)
{
  (void)state;
  size_t size = 2000000;
  ADZE_AUTO_FREE char *text = malloc (size);
  memset (text, '[', size);
  adze_error_free (refusal (text, size));
}

static void
test_size_is_bounded (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  /* Refused before it is looked at, so that no such text need be there. */
  ADZE_AUTO_ERROR error = adze_json_parse ("t.json", "", ((size_t)64 << 20) + 1, &document);
  assert_int_equal (adze_error_status (error), ADZE_E_LIMIT);
  assert_null (document.root);
}

/* ---- Building and writing. */

static adze_value *
sample (void)
{
  adze_value *root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (root, "text", "a\"\\/\n\x01\xc3\xa9\xff\x7f");
  adze_json_string (root, "left out", NULL);
  adze_value *list = adze_json_list (root, "list");
  adze_json_int (list, NULL, INT64_MIN);
  adze_json_float (list, NULL, 0.1);
  adze_json_float (list, NULL, 3);
  adze_json_bool (adze_json_table (list, NULL), "t", false);
  adze_json_table (root, "empty");
  assert_false (adze_json_failed (root));
  return root;
}

static char *
written (const adze_value *value, unsigned indent)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_json_write (value, indent, &buffer);
  char *text;
  must (adze_buffer_finish (&buffer, &text));
  return text;
}

static void
test_one_line (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = sample ();
  ADZE_AUTO_FREE char *text = written (value, 0);
  assert_string_equal (text, "{\"text\": \"a\\\"\\\\/\\n\\u0001\xc3\xa9\xef\xbf\xbd\\u007F\", "
                             "\"list\": [-9223372036854775808, 0.1, 3.0, {\"t\": false}], "
                             "\"empty\": {}}");
}

static void
test_indented (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = sample ();
  ADZE_AUTO_FREE char *text = written (adze_value_get (value, "list"), 2);
  assert_string_equal (text, "[\n  -9223372036854775808,\n  0.1,\n  3.0,\n"
                             "  {\n    \"t\": false\n  }\n]");
}

static void
test_what_json_lacks_becomes_text (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE list = adze_value_new (ADZE_VALUE_LIST);
  adze_json_float (list, NULL, INFINITY);
  adze_json_float (list, NULL, -INFINITY);
  adze_json_float (list, NULL, NAN);
  ADZE_AUTO_FREE char *text = written (list, 0);
  assert_string_equal (text, "[\"inf\", \"-inf\", \"nan\"]");
}

static void
test_reads_back (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = sample ();
  /* This one does not: its \xff becomes U+FFFD, for good. */
  assert_true (adze_value_set_text (value->items[0], "a\0b\x1f\xf0\x9f\x98\x80", 8));
  for (unsigned indent = 0; indent < 3; indent++) {
    ADZE_AUTO_FREE char *text = written (value, indent);
    ADZE_AUTO (adze_document) document = { 0 };
    must (adze_json_parse ("again", text, strlen (text), &document));
    assert_true (adze_value_equal (value, document.root));
  }
}

static void
test_building_on_nothing (void **state)
{
  (void)state;
  assert_null (adze_json_int (adze_json_table (adze_json_list (NULL, "a"), NULL), "b", 1));
  assert_null (adze_json_string (NULL, "a", "b"));
  assert_true (adze_json_failed (NULL));
}

static void
test_failure_is_remembered (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *list = adze_json_list (root, "list");
  assert_false (adze_json_failed (root));
  assert_null (adze_json_int (list, "a key in a list", 1));
  assert_true (adze_json_failed (root));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_every_type),
    cmocka_unit_test (test_any_value_is_a_document),
    cmocka_unit_test (test_bad_documents_are_refused),
    cmocka_unit_test (test_syntax_error_shows_the_place),
    cmocka_unit_test (test_null_is_named),
    cmocka_unit_test (test_depth_is_bounded),
    cmocka_unit_test (test_size_is_bounded),
    cmocka_unit_test (test_one_line),
    cmocka_unit_test (test_indented),
    cmocka_unit_test (test_what_json_lacks_becomes_text),
    cmocka_unit_test (test_reads_back),
    cmocka_unit_test (test_building_on_nothing),
    cmocka_unit_test (test_failure_is_remembered),
  };
  return cmocka_run_group_tests_name ("json", tests, NULL, NULL);
}

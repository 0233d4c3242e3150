/* SPDX-License-Identifier: Apache-2.0 */
/* TOML: values, positions, order, complaints; and the official conformance suite, where
 * ADZE_TEST_DATA names a folder that has it as toml-test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/toml.h"

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

static void
read_text (const char *text, adze_document *document)
{
  must (adze_toml_parse ("test.toml", text, strlen (text), document));
}

/* ---- Values. */

static void
test_every_type (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  read_text ("b = true\ni = -9223372036854775808\nh = 0xff_ff\nf = 2.5\ns = \"a\\u00e9\"\n"
             "l = [1, 'x']\nt = { k = false }\n",
             &document);
  const adze_value *root = document.root;
  assert_int_equal (root->type, ADZE_VALUE_TABLE);
  assert_int_equal (root->count, 7);
  assert_true (adze_value_get (root, "b")->boolean);
  assert_true (adze_value_get (root, "i")->integer == INT64_MIN);
  assert_true (adze_value_get (root, "h")->integer == 0xffff);
  assert_true (adze_value_get (root, "f")->real == 2.5);
  assert_string_equal (adze_value_get (root, "s")->string, "a\xc3\xa9");
  const adze_value *list = adze_value_get (root, "l");
  assert_int_equal (list->count, 2);
  assert_int_equal (list->items[0]->type, ADZE_VALUE_INT);
  assert_string_equal (list->items[1]->string, "x");
  assert_false (adze_value_get (adze_value_get (root, "t"), "k")->boolean);
}

static void
expect_date (const adze_value *root, const char *key, adze_date_kind kind, const char *text)
{
  const adze_value *date = adze_value_get (root, key);
  assert_non_null (date);
  assert_int_equal (date->type, ADZE_VALUE_DATE);
  assert_int_equal (date->date, kind);
  assert_string_equal (date->string, text);
}

static void
test_dates_are_normalised (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  read_text ("a = 1987-07-05 17:45:00z\nb = 1987-07-05T17:45:56.6-07:30\nc = 1987-07-05\n"
             "d = 07:32:00.000001\ne = 1987-07-05T01:02:03\nf = 1987-07-05T00:00:00+00:00\n",
             &document);
  const adze_value *root = document.root;
  expect_date (root, "a", ADZE_DATE_OFFSET_DATETIME, "1987-07-05T17:45:00Z");
  expect_date (root, "b", ADZE_DATE_OFFSET_DATETIME, "1987-07-05T17:45:56.600-07:30");
  expect_date (root, "c", ADZE_DATE_LOCAL_DATE, "1987-07-05");
  expect_date (root, "d", ADZE_DATE_LOCAL_TIME, "07:32:00.000001");
  expect_date (root, "e", ADZE_DATE_LOCAL_DATETIME, "1987-07-05T01:02:03");
  expect_date (root, "f", ADZE_DATE_OFFSET_DATETIME, "1987-07-05T00:00:00Z");
}

static void
test_nul_is_kept (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  read_text ("s = \"a\\u0000b\"\n\"k\\u0000l\" = 1\n", &document);
  const adze_value *string = adze_value_get (document.root, "s");
  assert_int_equal (string->string_size, 3);
  assert_memory_equal (string->string, "a\0b", 4);
  const adze_value *odd = document.root->items[1];
  assert_int_equal (odd->key_size, 3);
  assert_memory_equal (odd->key, "k\0l", 4);
  /* Cut at the NUL it would pass for another key. */
  assert_null (adze_value_get (document.root, "k"));
}

/* ---- Order and places. */

static void
test_order_is_that_of_the_document (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  read_text ("zebra = 1\napple.x = 2\nmango = 3\napple.a = 4\n[late]\n[[arr]]\n[early.sub]\n",
             &document);
  static const char *const keys[] = { "zebra", "apple", "mango", "late", "arr", "early" };
  assert_int_equal (document.root->count, ADZE_COUNT_OF (keys));
  for (size_t i = 0; i < ADZE_COUNT_OF (keys); i++)
    assert_string_equal (document.root->items[i]->key, keys[i]);
  const adze_value *apple = adze_value_get (document.root, "apple");
  assert_string_equal (apple->items[0]->key, "x");
  assert_string_equal (apple->items[1]->key, "a");
}

static void
test_places (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  read_text ("# comment\n\n  rate =  0.5\n[table]\n\"\xc3\xa9\" = [1,\n  2]\n", &document);
  const adze_value *rate = adze_value_get (document.root, "rate");
  assert_int_equal (rate->key_line, 3);
  assert_int_equal (rate->key_column, 3);
  assert_int_equal (rate->line, 3);
  assert_int_equal (rate->column, 11);
  const adze_value *list = adze_value_get (adze_value_get (document.root, "table"), "\xc3\xa9");
  assert_int_equal (list->line, 5);
  /* Columns count characters, not bytes. */
  assert_int_equal (list->column, 7);
  assert_int_equal (list->items[1]->line, 6);
  assert_int_equal (list->items[1]->column, 3);
}

/* ---- Complaints. */

static adze_error *
refusal (const char *text, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  adze_error *error = adze_toml_parse ("bad.toml", text, size, &document);
  assert_non_null (error);
  assert_null (document.root);
  assert_string_equal (document.path, "bad.toml");
  assert_non_null (document.text);
  return error;
}

static void
test_syntax_error_shows_the_place (void **state)
{
  (void)state;
  static const char text[] = "name = \"x\"\nseed = = 7\n";
  ADZE_AUTO_ERROR error = refusal (text, strlen (text));
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  assert_string_equal (adze_error_fact (error, "file"), "bad.toml");
  assert_string_equal (adze_error_fact (error, "line"), "2");
  assert_string_equal (adze_error_fact (error, "column"), "8");
  assert_string_equal (adze_error_fact (error, "source"), "seed = = 7");
  assert_string_equal (adze_error_fact (error, "caret"), "       ^");
  assert_memory_equal (adze_error_message (error), "bad.toml:2:8: ", 14);
}

/* What people get wrong most: where, and what is said of it. */
static const struct {
  const char *text;
  const char *message;
} mistakes[] = {
  { "a = trim", "1:5: trim without quotes is no value; text needs quotes: \"trim\"" },
  { "\n  watch = watch # it",
    "2:11: watch without quotes is no value; text needs quotes: \"watch\"" },
  { "a = [1, fc1.weight]",
    "1:9: fc1.weight without quotes is no value; text needs quotes: \"fc1.weight\"" },
  { "b = { \"\u00e9\" = 1, a = na\u00efve }",
    "1:20: na\u00efve without quotes is no value; text needs quotes: \"na\u00efve\"" },
  { "a = ./x/y.bin",
    "1:5: ./x/y.bin without quotes is no value; text needs quotes: \"./x/y.bin\"" },
  { "a = True", "1:5: true and false are written in lower case: true" },
  { "a = [FALSE]", "1:6: true and false are written in lower case: false" },
  { "a = None", "1:5: TOML has no None; leave the key out" },
  { "a = [null]", "1:6: TOML has no null; leave the entry out" },
  { "a = yes", "1:5: yes without quotes is no value; write true, or \"yes\" if it is text" },
  { "a = off", "1:5: off without quotes is no value; write false, or \"off\" if it is text" },
  { "a = \u201cb\u201d", "1:5: \u201c is no quote in TOML; text stands between two of \"" },
  { "a =", "1:1: 'a' has no value: write one behind the '='" },
  { "a = # b", "1:1: 'a' has no value: write one behind the '='" },
  { "a = 50 %", "1:8: a number stands alone; 50 % is written 0.5" },
  { "a = 0,5", "1:5: a decimal number has a point, not a comma: 0.5" },
  { "a = -.5", "1:5: a number has a digit in front of its point: -0.5" },
  { "a = 5.", "1:5: a number has a digit behind its point: 5.0" },
  { "a = 2GiB",
    "1:5: 2GiB without quotes is no value; a number with a unit needs them: \"2GiB\"" },
  { "a = 2 GiB",
    "1:5: 2 GiB without quotes is no value; a number with a unit needs them: \"2 GiB\"" },
  { "a = 1 2", "1:7: the value ends in front of this, and only a remark (#) can follow it" },
  { "a = 'it's'", "1:9: the value ends in front of this, and only a remark (#) can follow it" },
  { "a = \"b", "1:5: this string has no closing \" in its line" },
  { "a = 1\r\nb = ['c', 'd]\r\n", "2:11: this string has no closing ' in its line" },
  { "a = \"\"\"b\n\n", "1:5: this text between three quotes each has no closing \"\"\"" },
  { "a = \"b\\d\"", "1:8: \\d means nothing between these quotes" },
  { "a: 1", "1:2: behind a key stands '=', and here is ':'" },
  { "a b = 1", "1:3: a key of several words stands between quotes, and '=' behind it" },
  { "ab\n", "1:3: here the line ends, and a key needs a value: ab = ..." },
  { "a = [1 2]",
    "1:8: between the entries of a list stand commas, and ']' ends it; here is neither" },
  { "a = [1,", "1:8: the file ends in the middle of a list: ']' is missing" },
  { "a = { b = 1", "1:12: what begins with { must end with } in the same line" },
  { "a = { b = 1, }", "1:14: there is no comma in front of }" },
  { "[a\n", "1:3: the line ends, and one ']' is missing: [a]" },
  { "[[a]\n", "1:5: the line ends, and one ']' is missing: [[a]]" },
  { "[[a\n", "1:4: the line ends, and ']]' is missing: [[a]]" },
  { "[a]]", "1:4: here is one ']' more than there are '[': [a]" },
  { "[[]]", "1:3: the name of the table is missing between the brackets" },
  { "[a] b = 1", "1:5: the name of a table has a line of its own; its keys stand below it" },
  { "\xef\xbb\xbf[a]\n[b]\n[a]", "3:1: [a] is there already, in line 1; put these keys there" },
  { "[a]\n[[a]]", "2:1: [[a]] is written [a] in line 1; write both in the same way" },
  { "[[a]]\n[a]", "2:1: [a] is written [[a]] in line 1; write both in the same way" },
  /* Only the table that it is in counts, and what strings have in them does not. */
  { "b = 1\n[a]\nc = '''\nb = 3\n'''\nb = [1,\n 2]\n b = 2",
    "8:2: 'b' is given twice in this table; it stands in line 6 already" },
  { "a = { b = 1, b = 2 }", "1:14: 'b' is given twice in this table" },
};

static void
test_mistakes_are_explained (void **state)
{
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (mistakes); i++) {
    ADZE_AUTO (adze_document) document = { 0 };
    const char *text = mistakes[i].text;
    ADZE_AUTO_ERROR error = adze_toml_parse ("t.toml", text, strlen (text), &document);
    assert_non_null (error);
    assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
    assert_int_equal (strncmp (adze_error_message (error), "t.toml:", 7), 0);
    assert_string_equal (adze_error_message (error) + 7, mistakes[i].message);
  }
}

/* Whether it is good or bad then, an answer must come. */
static void
must_end (const char *text, size_t size)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR error = adze_toml_parse ("t.toml", text, size, &document);
  assert_true (!error == (document.root != NULL));
}

/* The same mistakes cut short, with a byte gone, and with a NUL in them. */
static void
test_mistakes_in_pieces (void **state)
{
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (mistakes); i++) {
    size_t size = strlen (mistakes[i].text);
    for (size_t k = 0; k < size; k++) {
      char text[256];
      memcpy (text, mistakes[i].text, size);
      must_end (text, k);
      text[k] = '\0';
      must_end (text, size);
      memmove (text + k, mistakes[i].text + k + 1, size - k - 1);
      must_end (text, size - 1);
    }
  }
}

static void
test_bad_documents_are_refused (void **state)
{
  (void)state;
  static const char *const texts[] = {
    "a = 1\na = 2", "a = ", "a", "= 1", "[a", "a = \"x", "a = '''x", "a = [1", "a = { b = 1",
    "a = 1 b = 2", "a = 99999999999999999999", "a = 1987-02-30", "a = \"\xff\"", "a = 0x",
    "[a]\n[a]", "a.b = 1\na.b.c = 2", "a = {b=1}\n[a.c]", "a = \"\\uD800\"", "a = 1_", "a = .5",
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (texts); i++)
    adze_error_free (refusal (texts[i], strlen (texts[i])));
  adze_error_free (refusal ("a = \"x\0\"", 8));
}

/* Text repeated COUNT times between two others. */
static char *
repeated (const char *before, const char *text, size_t count, const char *after)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_buffer_text (&buffer, before);
  for (size_t i = 0; i < count; i++)
    adze_buffer_text (&buffer, text);
  adze_buffer_text (&buffer, after);
  char *result;
  must (adze_buffer_finish (&buffer, &result));
  return result;
}

static void
test_depth_is_bounded (void **state)
{
  (void)state;
  static const struct {
    const char *before, *text, *after;
  } cases[] = {
    { "", "a.", "a = 1" },      { "[", "a.", "a]" },
    { "[[", "\"=\" . ", "a]]" }, { "x = {", "'#'.", "a = 1}" },
    { "x = ", "[", "" },        { "x = ", "{a=", "" },
    { "x = {y = ''''''', ", "a.", "a = 1}" },
    { "x = {y = \"\\\"\", ", "a.", "a = 1}" },
    { "", "a\t.", "a = 1" },    { "s = \"\"\"\\\"\"\"\"\"\n", "b.", "c = 1" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO_FREE char *text = repeated (cases[i].before, cases[i].text, 200000, cases[i].after);
    adze_error_free (refusal (text, strlen (text)));
  }
}

static void
test_long_key_shows_the_place (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text = repeated ("x = 1\n", "\"\xc3\xa9\".", 40, "a = 1");
  ADZE_AUTO_ERROR error = refusal (text, strlen (text));
  assert_string_equal (adze_error_fact (error, "line"), "2");
  /* Of the dot in front of the part that is too much. */
  assert_string_equal (adze_error_fact (error, "column"), "128");
}

static void
test_dots_elsewhere_do_not_count (void **state)
{
  (void)state;
  static const char *const before[] = { "a = \"", "a = '", "a = \"\"\"\n", "a = '''", "a = 1 # ",
                                        "a = \"\"\"\\\"\"\"\" #", "a = [" };
  static const char *const after[] = { "\"", "'", "\"\"\"", "''''", "", "", "]" };
  for (size_t i = 0; i < ADZE_COUNT_OF (before); i++) {
    ADZE_AUTO_FREE char *text = repeated (before[i], i == 6 ? "0.5," : "a.", 100, after[i]);
    ADZE_AUTO (adze_document) document = { 0 };
    read_text (text, &document);
  }
}

static void
test_deepest_document_is_read (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *key = repeated ("", "a.", 31, "a");
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_format (&text, "[%s]\n", key);
  for (int i = 0; i < 63; i++)
    adze_buffer_format (&text, "%s%s", key, i < 62 ? " = {" : " = 1");
  for (int i = 0; i < 62; i++)
    adze_buffer_text (&text, "}");
  ADZE_AUTO (adze_document) document = { 0 };
  read_text (text.data, &document);
  ADZE_AUTO_VALUE copy = adze_value_copy (document.root);
  assert_true (adze_value_equal (copy, document.root));
}

static void
test_nested_too_deeply (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text = repeated ("a = ", "[", 80, "");
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR error = adze_toml_parse ("x.toml", text, strlen (text), &document);
  assert_non_null (strstr (adze_error_message (error),
                           "lists and tables lie here more than 64 deep inside of one another"));
  assert_null (strstr (adze_error_message (error), "TOML_MAX"));
}

static void
test_missing_file (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR error = adze_toml_read ("/nonexistent/adze.toml", &document);
  assert_int_equal (adze_error_status (error), ADZE_E_NOT_FOUND);
  assert_string_equal (document.path, "/nonexistent/adze.toml");
  assert_null (document.root);
}

/* ---- The conformance suite. A valid document has its values beside it as JSON: a table of
 * tables, lists, and leaves { "type": ..., "value": ... }. */

/* U+E000, which the suite does not use, stands for NUL on both sides: the JSON reader cannot keep a
 * key with a NUL in it. */
#define NUL_STAND_IN "\xee\x80\x80"

static char *
spelt (const char *bytes, size_t size)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t i = 0; i < size; i++)
    adze_buffer_add (&text, bytes[i] ? bytes + i : NUL_STAND_IN, bytes[i] ? 1 : 3);
  char *result;
  must (adze_buffer_finish (&text, &result));
  return result;
}

static void
replace_escaped_nul (char *json)
{
  for (char *at = strchr (json, '\\'); at; at = strchr (at + 2, '\\'))
    if (strncmp (at, "\\u0000", 6) == 0)
      memcpy (at, "\\uE000", 6);
}

/* Without the zeros at the end of a fraction. */
static char *
plain_date (const char *text)
{
  ADZE_AUTO (adze_buffer) plain = { 0 };
  size_t fraction = strcspn (text, ".");
  size_t end = fraction + (text[fraction] ? 1 + strspn (text + fraction + 1, "0123456789") : 0);
  size_t kept = end;
  while (kept > fraction && (text[kept - 1] == '0' || text[kept - 1] == '.'))
    kept--;
  adze_buffer_add (&plain, text, kept);
  adze_buffer_text (&plain, text + end);
  char *result;
  must (adze_buffer_finish (&plain, &result));
  return result;
}

static bool
same_date (const char *type, const char *expected, const adze_value *actual)
{
  static const char *const types[] = {
    [ADZE_DATE_NONE] = "none",
    [ADZE_DATE_OFFSET_DATETIME] = "datetime",
    [ADZE_DATE_LOCAL_DATETIME] = "datetime-local",
    [ADZE_DATE_LOCAL_DATE] = "date-local",
    [ADZE_DATE_LOCAL_TIME] = "time-local",
  };
  ADZE_AUTO_FREE char *a = plain_date (expected);
  ADZE_AUTO_FREE char *b = plain_date (actual->string);
  return strcmp (types[actual->date], type) == 0 && strcmp (a, b) == 0;
}

static bool
same_leaf (const char *type, const char *expected, const adze_value *actual)
{
  switch (actual->type) {
  case ADZE_VALUE_BOOL:
    return strcmp (type, "bool") == 0
           && strcmp (expected, actual->boolean ? "true" : "false") == 0;
  case ADZE_VALUE_INT:
    return strcmp (type, "integer") == 0 && strtoll (expected, NULL, 10) == actual->integer;
  case ADZE_VALUE_FLOAT:
    if (strcmp (type, "float") != 0)
      return false;
    double number = strtod (expected, NULL);
    return isnan (number) ? isnan (actual->real)
                          : number == actual->real && signbit (number) == signbit (actual->real);
  case ADZE_VALUE_STRING: {
    ADZE_AUTO_FREE char *text = spelt (actual->string, actual->string_size);
    return strcmp (type, "string") == 0 && strcmp (expected, text) == 0;
  }
  case ADZE_VALUE_DATE:
    return same_date (type, expected, actual);
  default:
    return false;
  }
}

static bool same (const adze_value *expected, const adze_value *actual);

static bool
same_table (const adze_value *expected, const adze_value *actual)
{
  if (actual->type != ADZE_VALUE_TABLE || expected->count != actual->count)
    return false;
  for (size_t i = 0; i < actual->count; i++) {
    ADZE_AUTO_FREE char *key = spelt (actual->items[i]->key, actual->items[i]->key_size);
    const adze_value *item = adze_value_get (expected, key);
    if (!item || !same (item, actual->items[i]))
      return false;
  }
  return true;
}

static bool
same (const adze_value *expected, const adze_value *actual)
{
  const adze_value *type = adze_value_get (expected, "type");
  const adze_value *value = adze_value_get (expected, "value");
  if (type && value && type->type == ADZE_VALUE_STRING && value->type == ADZE_VALUE_STRING)
    return same_leaf (type->string, value->string, actual);
  if (expected->type == ADZE_VALUE_TABLE)
    return same_table (expected, actual);
  if (expected->type != ADZE_VALUE_LIST || actual->type != ADZE_VALUE_LIST
      || expected->count != actual->count)
    return false;
  for (size_t i = 0; i < expected->count; i++)
    if (!same (expected->items[i], actual->items[i]))
      return false;
  return true;
}

static void
read_expected (const char *toml_path, adze_document *expected)
{
  ADZE_AUTO_FREE char *path
      = adze_text_format ("%.*s.json", (int)(strlen (toml_path) - strlen (".toml")), toml_path);
  ADZE_AUTO_FREE char *text = NULL;
  size_t size;
  must (adze_file_read (path, 1 << 20, &text, &size));
  replace_escaped_nul (text);
  must (adze_json_parse (path, text, size, expected));
}

/* What adze_value_write_toml makes of a document is the same document. */
static bool
survives_writing (const adze_value *root)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_text (&text, "root = ");
  adze_value_write_toml (root, &text);
  assert_false (text.failed);
  ADZE_AUTO (adze_document) again = { 0 };
  must (adze_toml_parse ("again.toml", text.data, text.size, &again));
  return adze_value_equal (root, adze_value_get (again.root, "root"));
}

static bool
valid_passes (const char *path)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR error = adze_toml_read (path, &document);
  if (error) {
    print_error ("%s is refused: %s\n", path, adze_error_message (error));
    return false;
  }
  ADZE_AUTO (adze_document) expected = { 0 };
  read_expected (path, &expected);
  if (!same (expected.root, document.root)) {
    print_error ("%s: other values\n", path);
    return false;
  }
  if (!survives_writing (document.root)) {
    print_error ("%s: other values once written and read again\n", path);
    return false;
  }
  return true;
}

static bool
invalid_passes (const char *path)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR error = adze_toml_read (path, &document);
  /* Anything but a complaint about its text would be a test of nothing. */
  if (error && adze_error_status (error) == ADZE_E_FORMAT && adze_error_fact (error, "line"))
    return true;
  print_error ("%s: %s\n", path, error ? adze_error_message (error) : "is taken");
  return false;
}

/* The folder of the suite, to be freed; NULL when this machine does not have it. */
static char *
suite_folder (void)
{
  const char *data = getenv ("ADZE_TEST_DATA");
  char *folder = data ? adze_text_format ("%s/toml-test/tests", data) : NULL;
  if (folder && access (folder, R_OK) == 0)
    return folder;
  free (folder);
  return NULL;
}

static void
test_conformance (void **state)
{
  (void)state;
  const char *strict = getenv ("ADZE_TEST_STRICT");
  ADZE_AUTO_FREE char *folder = suite_folder ();
  if (!folder) {
    if (strict && strcmp (strict, "1") == 0)
      fail_msg ("ADZE_TEST_DATA names no folder with toml-test in it");
    print_message ("toml-test: skipped, ADZE_TEST_DATA names no folder that has it\n");
    skip ();
  }
  ADZE_AUTO_FREE char *list_path = adze_text_format ("%s/files-toml-1.0.0", folder);
  ADZE_AUTO_FREE char *list = NULL;
  size_t size, valid = 0, invalid = 0, failed = 0;
  must (adze_file_read (list_path, 1 << 20, &list, &size));
  char *rest = NULL;
  for (char *name = strtok_r (list, "\n", &rest); name; name = strtok_r (NULL, "\n", &rest)) {
    size_t length = strlen (name);
    if (length < 5 || strcmp (name + length - 5, ".toml") != 0)
      continue;
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
    bool is_valid = strncmp (name, "valid/", 6) == 0;
    valid += is_valid;
    invalid += !is_valid;
    failed += !(is_valid ? valid_passes (path) : invalid_passes (path));
  }
  print_message ("toml-test: %zu valid and %zu invalid documents, %zu failed\n", valid, invalid,
                 failed);
  assert_true (valid > 200 && invalid > 400);
  assert_int_equal (failed, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_every_type),
    cmocka_unit_test (test_dates_are_normalised),
    cmocka_unit_test (test_nul_is_kept),
    cmocka_unit_test (test_order_is_that_of_the_document),
    cmocka_unit_test (test_places),
    cmocka_unit_test (test_syntax_error_shows_the_place),
    cmocka_unit_test (test_mistakes_are_explained),
    cmocka_unit_test (test_mistakes_in_pieces),
    cmocka_unit_test (test_bad_documents_are_refused),
    cmocka_unit_test (test_depth_is_bounded),
    cmocka_unit_test (test_long_key_shows_the_place),
    cmocka_unit_test (test_dots_elsewhere_do_not_count),
    cmocka_unit_test (test_deepest_document_is_read),
    cmocka_unit_test (test_nested_too_deeply),
    cmocka_unit_test (test_missing_file),
    cmocka_unit_test (test_conformance),
  };
  return cmocka_run_group_tests_name ("toml", tests, NULL, NULL);
}

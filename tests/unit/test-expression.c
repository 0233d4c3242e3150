/* SPDX-License-Identifier: Apache-2.0 */
/* The language of conditions: what it computes, what it refuses and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"
#include "pipeline/expression.h"

/* accuracy = 0.88, baseline.accuracy = 0.892, size = 20 MB, latency = 2 ms, broken = nan */
static bool
look_up (void *context, const char *stage, const char *name, adze_reading *reading)
{
  static const struct {
    const char *stage, *name;
    adze_reading reading;
  } known[] = {
    { NULL, "accuracy", { ADZE_QUANTITY_NUMBER, 0.88 } },
    { "baseline", "accuracy", { ADZE_QUANTITY_NUMBER, 0.892 } },
    { NULL, "size", { ADZE_QUANTITY_BYTES, 20e6 } },
    { NULL, "latency", { ADZE_QUANTITY_SECONDS, 0.002 } },
    { NULL, "top-5", { ADZE_QUANTITY_NUMBER, 5 } },
    { NULL, "broken", { ADZE_QUANTITY_NUMBER, NAN } },
  };
  (void)context;
  for (size_t i = 0; i < ADZE_COUNT_OF (known); i++)
    if (strcmp (known[i].name, name) == 0 && !stage == !known[i].stage
        && (!stage || strcmp (stage, known[i].stage) == 0)) {
      *reading = known[i].reading;
      return true;
    }
  return false;
}

static adze_expression *
parse (const char *text)
{
  adze_expression *expression;
  ADZE_AUTO_ERROR error = adze_expression_parse (text, NULL, NULL, &expression);
  if (error)
    fail_msg ("%s", adze_error_message (error));
  return expression;
}

static adze_reading
value (const char *text)
{
  adze_reading reading = { 0 };
  adze_expression *expression = parse (text);
  ADZE_AUTO_ERROR error = adze_expression_evaluate (expression, look_up, NULL, &reading);
  if (error) {
    char *whole = adze_error_text (error);
    fail_msg ("%s", whole);
  }
  adze_expression_free (expression);
  return reading;
}

static void
gives (const char *text, adze_quantity quantity, double number)
{
  adze_reading reading = value (text);
  if (reading.quantity != quantity || fabs (reading.number - number) > 1e-12 * fabs (number))
    fail_msg ("\"%s\" gives %.17g, of quantity %d", text, reading.number, (int)reading.quantity);
}

static void
test_arithmetic (void **state)
{
  (void)state;
  gives ("1 + 2 * 3", ADZE_QUANTITY_NUMBER, 7);
  gives ("(1 + 2) * 3", ADZE_QUANTITY_NUMBER, 9);
  gives ("8 - 4 - 2", ADZE_QUANTITY_NUMBER, 2);
  gives ("8 / 4 / 2", ADZE_QUANTITY_NUMBER, 1);
  gives ("-2 * -3", ADZE_QUANTITY_NUMBER, 6);
  gives ("- - 2", ADZE_QUANTITY_NUMBER, 2);
  gives ("1.5e3", ADZE_QUANTITY_NUMBER, 1500);
  gives ("50 %", ADZE_QUANTITY_NUMBER, 0.5);
  gives ("2 MB + 3KB", ADZE_QUANTITY_BYTES, 2003000);
  gives ("2 * 1 KiB", ADZE_QUANTITY_BYTES, 2048);
  gives ("1 TiB / 1 GiB", ADZE_QUANTITY_NUMBER, 1024);
  gives ("2 min - 1 s", ADZE_QUANTITY_SECONDS, 119);
  gives ("3 ms", ADZE_QUANTITY_SECONDS, 0.003);
  gives ("size / 2", ADZE_QUANTITY_BYTES, 10e6);
  gives ("top-5 - 1", ADZE_QUANTITY_NUMBER, 4);
  gives ("accuracy - baseline.accuracy", ADZE_QUANTITY_NUMBER, 0.88 - 0.892);
}

static void
test_truths (void **state)
{
  (void)state;
  static const char *const yes[] = {
    "accuracy >= baseline.accuracy - 0.02",
    "size <= 20 MB and latency < 3 ms",
    "not (size > 20 MB or latency > 3 ms)",
    "not size > 20 MB",
    "1 < 2 and 2 < 3",
    "1 > 2 and 1 > 2 or true",
    "true or 1 > 2 and 1 > 2",
    "not false == true",
    "(1 < 2) == (3 < 4)",
    "1 != 2",
    "1 + 1 == 2",
    "latency == 2 ms",
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (yes); i++)
    if (value (yes[i]).number != 1 || value (yes[i]).quantity != ADZE_QUANTITY_TRUTH)
      fail_msg ("\"%s\" should hold", yes[i]);
  assert_true (value ("accuracy >= baseline.accuracy - 0.005").number == 0);
  assert_true (value ("true and not true").number == 0);
}

/* ---- Refusals. CHARACTER is what the caret stands under. */

static void
refused (const char *text, const char *character, const char *why)
{
  adze_expression *expression;
  ADZE_AUTO_ERROR error = adze_expression_parse (text, NULL, NULL, &expression);
  if (!error)
    fail_msg ("\"%s\" should be refused", text);
  assert_null (expression);
  if (!strstr (adze_error_message (error), why))
    fail_msg ("\"%s\": %s", text, adze_error_message (error));
  assert_string_equal (adze_error_fact (error, "character"), character);
}

static void
test_bad_ones_are_refused_at_their_place (void **state)
{
  (void)state;
  refused ("", "1", "is empty");
  refused ("  ", "1", "is empty");
  refused ("accuracy >=", "12", "a number or a name is missing");
  refused ("accuracy 5", "10", "an operator such as \"and\" is missing");
  refused ("(1 + 2", "1", "is not closed");
  refused ("1 + 2)", "6", "closes nothing");
  refused ("(1 2)", "4", "is missing in front of this");
  refused ("1 < 2 < 3", "7", "do not chain");
  refused ("a = b", "3", "is written '==' here");
  refused ("a && b", "3", "is written 'and' here");
  refused ("!a", "1", "is written 'not' here");
  refused ("\xc3\xa9", "1", "has no meaning");
  refused ("a < 5 MBs", "7", "did you mean 'MB'");
  refused ("a < 5 apples", "7", "units are B, kB");
  refused ("a < .5", "5", "a digit in front of the point");
  refused ("a < 1e999", "5", "too large");
  refused ("accuracy-0.005 > 1", "1", "a minus needs a blank on both sides");
  refused ("a. > 1", "2", "comes the name of a metric");
  refused ("a.b.c > 1", "4", "at most one '.'");
  refused ("* 2", "1", "'*' stands where");
  refused ("a or or b", "6", "'or' stands where");
  refused ("a == not b", "6", "'not' stands where");
}

/* These need no metric to be known for nonsense. */
static void
test_quantities_must_fit (void **state)
{
  (void)state;
  refused ("20 MB > 3 ms", "7", "a size and a time cannot be compared");
  refused ("a > 20 MB + 3 ms", "11", "a size and a time cannot be added");
  refused ("2 MB * 2 MB", "6", "cannot be multiplied");
  refused ("1 / 3 ms", "3", "cannot be divided");
  refused ("1 and true", "3", "cannot be joined by \"and\"");
  refused ("not 5", "1", "needs true or false");
  refused ("-true", "1", "needs a number");
  refused ("(a > 1) + 2", "9", "true or false and a number cannot be added");
  refused ("true < false", "6", "cannot be compared");
  refused ("1 / 0 > a", "3", "divides by zero");
}

static void
fails (const char *text, const char *why)
{
  adze_reading reading;
  adze_expression *expression = parse (text);
  ADZE_AUTO_ERROR error = adze_expression_evaluate (expression, look_up, NULL, &reading);
  adze_expression_free (expression);
  if (!error)
    fail_msg ("\"%s\" should fail", text);
  ADZE_AUTO_FREE char *whole = adze_error_text (error);
  if (!strstr (whole, why) || !strstr (whole, text))
    fail_msg ("\"%s\": %s", text, whole);
}

static void
test_what_cannot_be_evaluated_does_not_hold_in_silence (void **state)
{
  (void)state;
  fails ("unheard > 1", "there is no 'unheard'");
  fails ("prune.accuracy > 1", "there is no 'prune.accuracy'");
  /* Not even where the rest would settle it. */
  fails ("true or unheard > 1", "there is no 'unheard'");
  fails ("not (broken > 5)", "'broken' is not a number (nan)");
  fails ("size > latency", "a size and a time cannot be compared");
  fails ("accuracy / (top-5 - 5) > 1", "divides by zero");
  fails ("accuracy and true", "cannot be joined");
}

static void
test_deep_ones_are_refused (void **state)
{
  (void)state;
  char text[4200];
  adze_expression *expression;
  memset (text, '(', 200);
  strcpy (text + 200, "1");
  ADZE_AUTO_ERROR parentheses = adze_expression_parse (text, NULL, NULL, &expression);
  assert_non_null (strstr (adze_error_message (parentheses), "more than 32 deep"));
  /* Each level keeps five operands waiting. */
  size_t at = 0;
  for (int i = 0; i < 30; i++)
    at += (size_t)sprintf (text + at, "true or true and 1 < 2 + 3 * (");
  ADZE_AUTO_ERROR stack = adze_expression_parse (text, NULL, NULL, &expression);
  assert_non_null (stack);
  text[0] = '1';
  for (at = 1; at + 2 < 4096; at += 2)
    memcpy (text + at, "+1", 3);
  gives (text, ADZE_QUANTITY_NUMBER, 2048);
  memset (text, ' ', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  ADZE_AUTO_ERROR too_long = adze_expression_parse (text, NULL, NULL, &expression);
  assert_non_null (strstr (adze_error_message (too_long), "longer than 4096 bytes"));
}

/* ---- Names, words for people, places in documents. */

static void
test_names_are_told (void **state)
{
  (void)state;
  const char *stage, *name;
  size_t character;
  adze_expression *expression = parse ("a.b > 1 and c < 2");
  assert_true (adze_expression_name (expression, 0, &stage, &name, &character));
  assert_string_equal (stage, "a");
  assert_string_equal (name, "b");
  assert_int_equal (character, 1);
  assert_true (adze_expression_name (expression, 1, &stage, &name, &character));
  assert_null (stage);
  assert_string_equal (name, "c");
  assert_int_equal (character, 13);
  assert_false (adze_expression_name (expression, 2, &stage, &name, NULL));
  assert_true (adze_expression_is_condition (expression));
  adze_expression_free (expression);
}

static void
test_conditions (void **state)
{
  (void)state;
  static const char *const conditions[] = { "a < 1", "true", "not (a < 1)", "a < 1 and true or false",
                                            "(a < 1) == (b < 2)", "not not true" };
  static const char *const others[] = { "a", "a + 1", "1", "not a", "a and b < 1", "b < 1 or a",
                                        "-a", "(a)", "not (b < 1 and a)" };
  for (size_t i = 0; i < ADZE_COUNT_OF (conditions); i++) {
    adze_expression *expression = parse (conditions[i]);
    assert_true (adze_expression_is_condition (expression));
    adze_expression_free (expression);
  }
  for (size_t i = 0; i < ADZE_COUNT_OF (others); i++) {
    adze_expression *expression = parse (others[i]);
    if (adze_expression_is_condition (expression))
      fail_msg ("%s is taken for a condition", others[i]);
    adze_expression_free (expression);
  }
}

static void
test_explanation (void **state)
{
  (void)state;
  adze_expression *expression
      = parse ("accuracy > baseline.accuracy or accuracy > 1 or size < 1 B or latency > unheard");
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO_ERROR error = adze_expression_explain (expression, look_up, NULL, &text);
  assert_null (error);
  assert_string_equal (text.data, "accuracy = 0.88, baseline.accuracy = 0.892, size = 20 MB, "
                                  "latency = 2 ms, unheard = unknown");
  adze_expression_free (expression);
}

static void
points_at (const char *toml, unsigned line, unsigned column)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_ERROR read = adze_toml_parse ("x.toml", toml, strlen (toml), &document);
  assert_null (read);
  const adze_value *at = document.root->items[document.root->count - 1];
  adze_expression *expression;
  ADZE_AUTO_ERROR error = adze_expression_parse (at->string, &document, at, &expression);
  assert_non_null (error);
  char place[64];
  sprintf (place, "x.toml:%u:%u: ", line, column);
  if (strncmp (adze_error_message (error), place, strlen (place)) != 0)
    fail_msg ("%s, and not %s", adze_error_message (error), place);
}

static void
test_the_caret_finds_its_way_into_strings (void **state)
{
  (void)state;
  points_at ("require = \"a = b\"\n", 1, 14);
  points_at ("require = 'a = b'\n", 1, 14);
  points_at ("\n  require = \"\\u0061 = b\"\n", 2, 21);
  points_at ("require = \"\\t\\\"\"\n", 1, 14);
  points_at ("require = \"\"\"a\n  = b\"\"\"\n", 2, 3);
  points_at ("require = \"\"\"\na \\\n   = b\"\"\"\n", 3, 4);
  points_at ("require = '''\na = b'''\n", 2, 3);
  points_at ("x = 'h\xc3\xa9'\nrequire = \"  \xc3\xa9\"\n", 2, 14);
}

static void
test_quantities_alone (void **state)
{
  (void)state;
  double number = 0;
  static const struct {
    const char *text;
    adze_quantity quantity;
    double number;
  } good[] = {
    { "2GiB", ADZE_QUANTITY_BYTES, 2147483648.0 }, { "100 MB", ADZE_QUANTITY_BYTES, 1e8 },
    { " 4096 ", ADZE_QUANTITY_BYTES, 4096 },       { "1.5 s", ADZE_QUANTITY_SECONDS, 1.5 },
    { "10ms", ADZE_QUANTITY_SECONDS, 0.01 },       { "5%", ADZE_QUANTITY_NUMBER, 0.05 },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (good); i++) {
    ADZE_AUTO_ERROR error = adze_quantity_parse (good[i].text, good[i].quantity, &number);
    assert_null (error);
    assert_true (number == good[i].number);
  }
  static const struct {
    const char *text;
    adze_quantity quantity;
    const char *why;
  } bad[] = {
    { "2 apples", ADZE_QUANTITY_BYTES, "is no size; one reads \"2GiB\"" },
    { "-1 GB", ADZE_QUANTITY_BYTES, "is no size" },
    { "1 GB 2", ADZE_QUANTITY_BYTES, "is no size" },
    { "", ADZE_QUANTITY_BYTES, "is no size" },
    { "1e999", ADZE_QUANTITY_BYTES, "is no size" },
    { "10", ADZE_QUANTITY_SECONDS, "is no time; one reads \"10s\"" },
    { "1 MB", ADZE_QUANTITY_SECONDS, "is no time" },
    { "true", ADZE_QUANTITY_BYTES, "is no size" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (bad); i++) {
    ADZE_AUTO_ERROR error = adze_quantity_parse (bad[i].text, bad[i].quantity, &number);
    assert_non_null (error);
    assert_non_null (strstr (adze_error_message (error), bad[i].why));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_arithmetic),
    cmocka_unit_test (test_truths),
    cmocka_unit_test (test_bad_ones_are_refused_at_their_place),
    cmocka_unit_test (test_quantities_must_fit),
    cmocka_unit_test (test_what_cannot_be_evaluated_does_not_hold_in_silence),
    cmocka_unit_test (test_deep_ones_are_refused),
    cmocka_unit_test (test_names_are_told),
    cmocka_unit_test (test_conditions),
    cmocka_unit_test (test_explanation),
    cmocka_unit_test (test_the_caret_finds_its_way_into_strings),
    cmocka_unit_test (test_quantities_alone),
  };
  return cmocka_run_group_tests_name ("expression", tests, NULL, NULL);
}

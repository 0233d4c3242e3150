/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: the chain, its facts, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

static void
expect_text (const adze_error *error, const char *expected)
{
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_non_null (text);
  assert_string_equal (text, expected);
}

/* ---- The chain. */

static void
test_chain (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_ABI, "it needs %d", 9);
  error = adze_error_wrap (error, "cannot load %s", "x.so");
  assert_int_equal (adze_error_status (error), ADZE_E_ABI);
  assert_string_equal (adze_error_message (error), "cannot load x.so");
  const adze_error *cause = adze_error_cause (error);
  assert_string_equal (adze_error_message (cause), "it needs 9");
  assert_null (adze_error_cause (cause));
}

static void
test_no_error (void **state)
{
  (void)state;
  assert_int_equal (adze_error_status (NULL), ADZE_OK);
  assert_null (adze_error_cause (NULL));
  assert_null (adze_error_fact (NULL, "file"));
  adze_error_free (NULL);
}

/* A wrapper may quote what it takes over. */
static void
test_wrap_may_quote_its_cause (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_IO, "disk full");
  error = adze_error_wrap (error, "[%s]", adze_error_message (error));
  assert_string_equal (adze_error_message (error), "[disk full]");
}

static void
test_errno (void **state)
{
  (void)state;
  static const struct {
    int number;
    adze_status status;
  } cases[] = { { ENOENT, ADZE_E_NOT_FOUND }, { EACCES, ADZE_E_IO }, { ENOMEM, ADZE_E_MEMORY } };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    errno = cases[i].number;
    ADZE_AUTO_ERROR error = adze_error_errno ("cannot open %s", "/x");
    assert_int_equal (adze_error_status (error), cases[i].status);
    assert_non_null (strstr (adze_error_message (error), "cannot open /x: "));
    assert_non_null (strstr (adze_error_message (error), strerror (cases[i].number)));
  }
}

static void
test_memory_error_is_immortal (void **state)
{
  (void)state;
  adze_error *error = adze_error_memory ();
  adze_error_set (error, "file", "x");
  assert_null (adze_error_fact (error, "file"));
  adze_error_free (error);
  adze_error_free (error);
  assert_ptr_equal (error, adze_error_memory ());
  assert_int_equal (adze_error_status (error), ADZE_E_MEMORY);
  expect_text (error, "out of memory\n");

  ADZE_AUTO_ERROR wrapped = adze_error_wrap (error, "cannot read x");
  expect_text (wrapped, "cannot read x\n  because out of memory\n");
  ADZE_AUTO_ERROR copy = adze_error_copy (wrapped);
  expect_text (copy, "cannot read x\n  because out of memory\n");
}

/* ---- Facts. */

static void
test_nearest_fact_wins (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_IO, "inner");
  adze_error_set (error, "file", "deep");
  adze_error_set (error, "step", "open");
  error = adze_error_wrap (error, "outer");
  adze_error_setf (error, "file", "%s-%d", "near", 1);
  adze_error_set (error, "file", "nearer");
  adze_error_set (error, "hint", NULL);
  assert_string_equal (adze_error_fact (error, "file"), "nearer");
  assert_string_equal (adze_error_fact (error, "step"), "open");
  assert_null (adze_error_fact (error, "hint"));
  const char *name, *value;
  assert_true (adze_error_fact_at (error, 0, &name, &value));
  assert_string_equal (value, "nearer");
  assert_false (adze_error_fact_at (error, 1, &name, &value));
}

static void
test_copy_is_independent (void **state)
{
  (void)state;
  adze_error *error = adze_error_new (ADZE_E_TRUST, "inner");
  adze_error_set (error, "found", "nothing");
  error = adze_error_wrap (error, "outer");
  ADZE_AUTO_ERROR copy = adze_error_copy (error);
  adze_error_free (error);
  assert_int_equal (adze_error_status (copy), ADZE_E_TRUST);
  assert_string_equal (adze_error_message (adze_error_cause (copy)), "inner");
  assert_string_equal (adze_error_fact (copy, "found"), "nothing");
  assert_null (adze_error_copy (NULL));
}

/* ---- For people. */

static void
test_text (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_ABI, "its contract is newer than ours");
  adze_error_set (error, "hint", "install adze 0.9 or later");
  adze_error_set (error, "found", "ABI 0.1");
  adze_error_set (error, "signal", "11");
  adze_error_set (error, "needed", "ABI 0.9");
  adze_error_set (error, "file", "/x/foo.so");
  adze_error_set (error, "step", "abi");
  error = adze_error_wrap (error, "cannot use /x/foo.so");
  expect_text (error, "cannot use /x/foo.so\n"
                      "  because its contract is newer than ours\n"
                      "  step: abi\n"
                      "  needed: ABI 0.9\n"
                      "  found: ABI 0.1\n"
                      "  signal: 11\n"
                      "  what to do: install adze 0.9 or later\n");
}

static void
test_said_facts_are_left_out (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_ABI, "it needs 0.9, this is 0.1");
  adze_error_set (error, "needed", "0.9");
  adze_error_set (error, "found", "0.1");
  /* Only parts of words up there. */
  adze_error_set (error, "file", "need");
  adze_error_set (error, "step", "eds");
  expect_text (error, "it needs 0.9, this is 0.1\n  step: eds\n  file: need\n");
}

/* "needed" alone would read as if "found" had been lost. */
static void
test_needed_and_found_stay_together (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_ABI, "it needs 0.9");
  adze_error_set (error, "needed", "0.9");
  adze_error_set (error, "found", "0.1");
  expect_text (error, "it needs 0.9\n  needed: 0.9\n  found: 0.1\n");
}

static void
test_deepest_fact_is_shown (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_IO, "inner");
  adze_error_set (error, "step", "deep");
  error = adze_error_wrap (error, "outer");
  adze_error_set (error, "step", "shallow");
  expect_text (error, "outer\n  because inner\n  step: deep\n");
}

static void
test_source_line (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_FORMAT, "p.toml:3:9: no such key");
  adze_error_set (error, "file", "p.toml");
  adze_error_set (error, "line", "3");
  adze_error_set (error, "column", "9");
  adze_error_set (error, "source", "\ts\xc3\xa9 = 1");
  adze_error_set (error, "caret", "\t     ^");
  adze_error_set (error, "hint", "did you mean \"sparsity\"?");
  expect_text (error, "p.toml:3:9: no such key\n"
                      "      3 | \ts\xc3\xa9 = 1\n"
                      "        | \t     ^\n"
                      "  what to do: did you mean \"sparsity\"?\n");
}

static void
test_hostile_text_is_harmless (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error
      = adze_error_new (ADZE_E_FORMAT, "a\x1b[2Jb\r\xff\xc2\x9b\xe2\x80\xaez\nforged: yes");
  adze_error_set (error, "source", "\x1b\xe2\x80\xaex = ]");
  adze_error_set (error, "caret", "      ^");
  expect_text (error, "a\\x1b[2Jb\\x0d\\xff\\u009b\\u202ez\n"
                      "      forged: yes\n"
                      "        | \\x1b\\u202ex = ]\n"
                      /* Below what it marks, though that became wider. */
                      "        |               ^\n");
}

/* ---- For programs. */

static void
test_json (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_new (ADZE_E_NOT_FOUND, "no \"x\"\n");
  adze_error_set (error, "file", "deep");
  error = adze_error_wrap (error, "cannot load");
  adze_error_set (error, "file", "near");
  ADZE_AUTO_FREE char *json = adze_error_json (error);
  assert_string_equal (json, "{\"status\": \"not-found\", \"code\": 6, \"message\": \"cannot load\", "
                             "\"because\": [\"no \\\"x\\\"\\n\"], \"facts\": {\"file\": \"near\"}}");
}

/* ---- Several at once. */

static adze_error *
two_mistakes (void)
{
  adze_error *parts[] = { adze_error_new (ADZE_E_FORMAT, "first"),
                          adze_error_wrap (adze_error_new (ADZE_E_IO, "deep"), "second") };
  adze_error_set (parts[0], "line", "3");
  adze_error_set (parts[1], "hint", "mend it");
  return adze_error_sum (parts, 2, "x has %d mistakes", 2);
}

static void
test_parts (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = two_mistakes ();
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  assert_null (adze_error_cause (error));
  assert_string_equal (adze_error_message (adze_error_part (error, 1)), "second");
  assert_null (adze_error_part (error, 2));
  assert_null (adze_error_part (NULL, 0));
  /* The first one speaks for all who ask for a place. */
  assert_string_equal (adze_error_fact (error, "line"), "3");
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_string_equal (text, "x has 2 mistakes\n\nfirst\n\nsecond\n  because deep\n"
                             "  what to do: mend it\n");
  ADZE_AUTO_FREE char *json = adze_error_json (error);
  assert_non_null (strstr (json, "\"errors\": [{\"status\": \"format\", \"code\": 4, \"message\": "
                                 "\"first\""));
}

static void
test_parts_are_copied_and_wrapped (void **state)
{
  (void)state;
  ADZE_AUTO_ERROR error = adze_error_wrap (two_mistakes (), "cannot begin");
  ADZE_AUTO_ERROR copy = adze_error_copy (error);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  ADZE_AUTO_FREE char *same = adze_error_text (copy);
  assert_string_equal (text, same);
  assert_string_equal (text, "cannot begin\n  because x has 2 mistakes\n\nfirst\n\nsecond\n"
                             "  because deep\n  what to do: mend it\n");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_chain),
    cmocka_unit_test (test_no_error),
    cmocka_unit_test (test_wrap_may_quote_its_cause),
    cmocka_unit_test (test_errno),
    cmocka_unit_test (test_memory_error_is_immortal),
    cmocka_unit_test (test_nearest_fact_wins),
    cmocka_unit_test (test_copy_is_independent),
    cmocka_unit_test (test_text),
    cmocka_unit_test (test_said_facts_are_left_out),
    cmocka_unit_test (test_needed_and_found_stay_together),
    cmocka_unit_test (test_deepest_fact_is_shown),
    cmocka_unit_test (test_source_line),
    cmocka_unit_test (test_hostile_text_is_harmless),
    cmocka_unit_test (test_json),
    cmocka_unit_test (test_parts),
    cmocka_unit_test (test_parts_are_copied_and_wrapped),
  };
  return cmocka_run_group_tests_name ("error", tests, NULL, NULL);
}

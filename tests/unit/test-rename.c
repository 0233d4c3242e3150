/* SPDX-License-Identifier: Apache-2.0 */
/* The technique rename: which names change, and what is refused. */
#include "fake-work.h"

#include "../../plugins/techniques/rename/rename.c"

static const adze_dtype u8 = { ADZE_UINT, 8, 1 };
static const fake_value no_names[] = { { .name = NULL } };
static const adze_params nothing = { no_names };

static fake_run run;
static fake_value given[5];
static adze_params params_given = { given };

static void
ask_for (const adze_params *names, const char *from, const char *to, const char *unmatched)
{
  given[0] = (fake_value){ .name = "names", .entries = names ? names : &nothing };
  given[1] = (fake_value){ .name = "prefix-from", .text = from };
  given[2] = (fake_value){ .name = "prefix-to", .text = to };
  given[3] = (fake_value){ .name = "unmatched", .text = unmatched };
  run.params = &params_given;
}

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  fake_give (&run, 0, "model.a", u8, 1, 2, "aA");
  fake_give (&run, 0, "model.b", u8, 1, 2, "bB");
  fake_give (&run, 0, "head", u8, 1, 2, "hH");
  return 0;
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  return 0;
}

static void
has (const char *name, const char *bytes)
{
  const fake_tensor *tensor = fake_result (&run, name);
  if (!tensor)
    fail_msg ("there is no '%s'", name);
  else
    assert_memory_equal (tensor->data, bytes, 2);
}

static void
a_prefix_is_replaced (void **state)
{
  (void)state;
  ask_for (NULL, "model.", "m.", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("m.a", "aA");
  has ("m.b", "bB");
  has ("head", "hH");
  assert_int_equal (run.out.count, 3);
}

static void
a_prefix_is_added_or_taken_away (void **state)
{
  (void)state;
  ask_for (NULL, "", "x.", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("x.model.a", "aA");
  has ("x.head", "hH");
  ask_for (NULL, "model.", "", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("a", "aA");
}

static void
exact_names_keep_clear_of_the_prefix (void **state)
{
  (void)state;
  const fake_value names[]
      = { { .name = "model.b", .text = "tail" }, { .name = "head", .text = "model.b" },
          { .name = NULL } };
  const adze_params map = { names };
  ask_for (&map, "model.", "m.", "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("m.a", "aA");
  has ("tail", "bB");
  has ("model.b", "hH");
}

static void
two_of_a_name_are_refused (void **state)
{
  (void)state;
  const fake_value names[] = { { .name = "head", .text = "model.b" }, { .name = NULL } };
  const adze_params map = { names };
  ask_for (&map, "", "", "error");
  assert_int_equal (fake_work (&run), ADZE_E_DUPLICATE);
  assert_non_null (strstr (fake_reason, "'model.b' and 'head' would both be called 'model.b'"));
}

static void
what_matches_nothing_is_refused_unless_it_may (void **state)
{
  (void)state;
  const fake_value names[] = { { .name = "haed", .text = "x" }, { .name = NULL } };
  const adze_params map = { names };
  ask_for (&map, "", "", "error");
  assert_int_equal (fake_work (&run), ADZE_E_NOT_FOUND);
  assert_non_null (strstr (fake_reason, "parameter 'names': there is no tensor 'haed'"));
  ask_for (&map, "model.", "m.", "ignore");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("m.a", "aA");
  ask_for (NULL, "modle.", "m.", "error");
  assert_int_equal (fake_work (&run), ADZE_E_NOT_FOUND);
  assert_non_null (strstr (fake_reason, "parameter 'prefix-from': the name of no tensor begins with 'modle.'"));
  ask_for (NULL, "modle.", "m.", "ignore");
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("model.a", "aA");
}

static void
a_tensor_keeps_some_name (void **state)
{
  (void)state;
  ask_for (NULL, "head", "", "error");
  assert_int_equal (fake_work (&run), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "'head' would have no name"));
}

static void
a_rule_renames_one_tensor (void **state)
{
  (void)state;
  const fake_value of_rule[] = { { .name = "names", .entries = &nothing },
                                 { .name = "prefix-from", .text = "mod" },
                                 { .name = "prefix-to", .text = "" },
                                 { .name = "unmatched", .text = "error" },
                                 { .name = NULL } };
  const adze_params rule = { of_rule };
  ask_for (NULL, "", "", "error");
  run.rule_tensor = "model.b";
  run.rule_params = &rule;
  assert_int_equal (fake_work (&run), ADZE_OK);
  has ("el.b", "bB");
  has ("model.a", "aA");
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (a_prefix_is_replaced),
    CASE (a_prefix_is_added_or_taken_away),
    CASE (exact_names_keep_clear_of_the_prefix),
    CASE (two_of_a_name_are_refused),
    CASE (what_matches_nothing_is_refused_unless_it_may),
    CASE (a_tensor_keeps_some_name),
    CASE (a_rule_renames_one_tensor),
  };
  return cmocka_run_group_tests_name ("rename", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operators: docs/operators.md is what the code has, and what is required is there. */
#include <stdio.h>

#include "world.h"

#include "base/buffer.h"
#include "base/file.h"
#include "graph/gradient.h"
#include "graph/operators.h"

static void
what_is_required_has_a_gradient (void **state)
{
  const adze_operator *at;
  (void)state;
  for (size_t i = 0; (at = adze_operator_at (i)); i++)
    if (!adze_operator_exemption (at) && !adze_gradient_rule_find (at->domain, at->name))
      fail_msg ("%s %s has neither a gradient nor a word why it needs none", at->domain, at->name);
  const char *stale = adze_operator_exemption_stale ();
  if (stale)
    fail_msg ("%s is excused from a gradient, and is no operator, or its word is explained nowhere",
              stale);
}

static void
every_rule_is_of_an_operator (void **state)
{
  static const adze_gradient_rule *const families[]
      = { adze_gradients_math,   adze_gradients_reduce, adze_gradients_product,
          adze_gradients_shape,  adze_gradients_index,  adze_gradients_nn,
          adze_gradients_window, adze_gradients_rnn,    adze_gradients_control };
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (families); i++)
    for (const adze_gradient_rule *at = families[i]; at->op; at++)
      if (!adze_operator_find (at->domain, at->op))
        fail_msg ("there is a rule for %s %s, which is no operator", at->domain, at->op);
}

/* `make update-operators` writes the page instead. */
static void
the_page_is_what_the_code_has (void **state)
{
  ADZE_AUTO (adze_buffer) page = { 0 };
  char path[4096];
  (void)state;
  adze_operators_page (&page);
  assert_non_null (page.data);
  snprintf (path, sizeof path, "%s/docs/operators.md", getenv ("TOP_SRCDIR"));
  if (getenv ("ADZE_UPDATE_OPERATORS")) {
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    assert_int_equal (fwrite (page.data, 1, page.size, file), page.size);
    assert_int_equal (fclose (file), 0);
    return;
  }
  FILE *file = fopen (path, "r");
  assert_non_null (file);
  char *text = calloc (1, page.size + 2);
  assert_non_null (text);
  size_t size = fread (text, 1, page.size + 1, file);
  fclose (file);
  if (size != page.size || memcmp (text, page.data, size) != 0)
    fail_msg ("docs/operators.md is not what the tables of operators and gradients say; `make "
              "update-operators` writes it anew");
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_is_required_has_a_gradient),
    cmocka_unit_test (every_rule_is_of_an_operator),
    cmocka_unit_test (the_page_is_what_the_code_has),
  };
  return cmocka_run_group_tests_name ("operators", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are text: tables, graphs of causes, statistics. What is taken, and what is refused
 * with which words. */
#include "world.h"

#include "artifact/artifact.h"

static const struct {
  const char *type, *content;
  const char *first, *second; /* in the message; NULL: it is fine */
} cases[] = {
  { "table", "a,b\n1,2\n", NULL, NULL },
  { "table", "a,b", NULL, NULL },
  { "table", "a,b\r\n\"x,\n\"\"y\",2\r\n", NULL, NULL },
  { "table", "", "x:1", "a line that names its columns" },
  { "table", "a,b\n1\n", "x:2", "not as many cells" },
  { "table", "a\n\"x\n\ny\"\n1,2\n", "x:5", "not as many cells" },
  { "table", "a\n\n\"x", "x:3", "never ends" },
  { "table", "a\n\"x\"y\n", "x:2", "needed behind a cell" },
  { "table", "a\nx\"y\n", "x:2", "needed behind a cell" },
  { "table", "a\nx\ry\n", "x:2", "needed behind a cell" },
  { "dag", "", NULL, NULL },
  { "dag", "# asia\nA --> B\n\n A --- C \nalone\nB --> C\n", NULL, NULL },
  { "dag", "A --> B\nB --> C\nA --> C\n", NULL, NULL },
  { "dag", "A --- B\nB --- C\nC --- A\n", NULL, NULL },
  { "dag", "A --> A\n", "x:1", "from a node to itself: 'A'" },
  { "dag", "A --> B\n\nB --- A\n", "x:3", "a second edge between the same two nodes" },
  { "dag", "A --> B\nA --> B\n", "x:2", "a second edge" },
  { "dag", "A --> B\nB --> C\nC --> A\nC --> D\nD --> E\n", "arrows lead in a circle", "x:" },
  { "dag", "A --> B --> C\n", "x:1", "needed is \"A --> B\"" },
  { "dag", "A --> \n", "x:1", "needed is" },
  { "dag", "A-->B\n", "x:1", "needed is" },
  { "dag", "A --> B --- C\n", "x:1", "needed is" },
  { "stats", "{\"a\": [1, 2.5]}", NULL, NULL },
  { "stats", "{\"a\": }", "x", "stats" },
  { "report", "{\"a\": 1, \"a\": 2}", "x", "report" },
  { "text", "h\xc3\xa9\n", NULL, NULL },
  { "text", "a\n\xe9\n", "x:2", "not UTF-8" },
  { "something", "\xff", NULL, NULL },
};

static void
content_is_what_the_type_says (void **state)
{
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    const char *content = cases[i].content;
    adze_error *error = adze_artifact_check (cases[i].type, "x", content, strlen (content));
    if (cases[i].first)
      must_fail (error, ADZE_E_FORMAT, cases[i].first, cases[i].second, NULL);
    else
      must (error);
  }
}

/* The node that is named lies on the circle and not behind it. */
static void
a_circle_is_named_by_one_of_its_nodes (void **state)
{
  (void)state;
  static const char graph[] = "X --> A\nA --> B\nB --> A2\nA2 --> A\nB --> Y\nY --> Z\nZ --> W\n";
  ADZE_AUTO_ERROR error = adze_artifact_check ("dag", "x", graph, sizeof graph - 1);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_non_null (text);
  assert_true (strstr (text, "'A'") || strstr (text, "'B'") || strstr (text, "'A2'"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (content_is_what_the_type_says),
    cmocka_unit_test (a_circle_is_named_by_one_of_its_nodes),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

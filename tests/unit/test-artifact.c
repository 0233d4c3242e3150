/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are text: tables, graphs of causes, statistics. What is taken, and what is refused
 * with which words. */
#include "world.h"

#include "artifact/artifact.h"
#include "artifact/dag.h"
#include "artifact/table.h"

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
  { "dag", "A <-> B\nA --> B\nB <-> C\n", NULL, NULL },
  { "dag", "A <-> B\nC --> B\nB <-> A\n", "x:3", "a second edge" },
  { "dag", "A <-> B\nA --> B\nB --> A\n", "x:3", "a second edge" },
  { "dag", "A <-> B\nA --- B\n", "x:2", "a second edge" },
  { "dag", "A<->B\n", "x:1", "needed is" },
  { "dag", "A --> \xff\n", "x:1:7", "not UTF-8" },
  { "dag", "\xef\xbb\xbf" "A\t-->  B # why\n#none\nC # --> D\n  \"A\" --- C ##\n", NULL, NULL },
  { "dag", "\"a --> b\" --> \"say \"\"a\"\" # 5, 6\"\n", NULL, NULL },
  { "dag", "b b <-> a-b # it's\n\xc3\xa4 --> a-b\n", NULL, NULL },
  { "dag", "A --> B\nA -> C\n", "x:2:3", "this is no arrow" },
  { "dag", "\xc3\xa4 \xe2\x86\x92 C\n", "x:1:3", "this is no arrow" },
  { "dag", "A ==> C\n", "x:1:3", "this is no arrow" },
  { "dag", "A o-o C\n", "x:1:3", "this is no arrow" },
  { "dag", "A \xe2\x80\x93> C\n", "x:1:3", "this is no arrow" },
  { "dag", "A - C\n", "x:1:3", "this is no arrow" },
  { "dag", "A->B\n", "x:1:2", "this is no arrow" },
  { "dag", "A --> B, C\n", "x:1:8", "each edge has a line of its own" },
  { "dag", "A --> B;\n", "x:1:8", "each edge has a line of its own" },
  { "dag", "A --> B [w=1]\n", "x:1:9", "each edge has a line of its own" },
  { "dag", "A --> B // why\n", "x:1:9", "a remark begins with '#'" },
  { "dag", "A --> item #5\n", "x:1:12", "a remark begins with '#'" },
  { "dag", "A --> B\tC\n", "x:1:8", "a tab in a name" },
  { "dag", "A --> B\xc2\xa0\n", "x:1:8", "not seen" },
  { "dag", "A --> \"B\n", "x:1:7", "a quote that never ends" },
  { "dag", "A --> \"B\"C\n", "x:1:10", "needed behind a quote is a blank" },
  { "dag", "\"\" --> C\n", "x:1:1", "a name with nothing in it" },
  { "dag", "A --> # B\n", "x:1:7", "a name is missing" },
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

/* A name is what stands between its quotes, two of which are one, and the same with quotes and without. */
static void
names_may_stand_in_quotes (void **state)
{
  (void)state;
  static const char text[] = "\"a -> b\" --> \"say \"\"c\"\"\" # c\n\"d\" --> d e # f\nd\t<-> d e\n";
  static const char *const names[] = { "a -> b", "say \"c\"", "d", "d e" };
  adze_dag *dag = NULL;
  must (adze_dag_read ("x", text, sizeof text - 1, &dag));
  assert_int_equal (dag->node_count, ADZE_COUNT_OF (names));
  for (uint32_t i = 0; i < dag->node_count; i++)
    assert_string_equal (dag->names[i], names[i]);
  assert_int_equal (dag->edge_count, 3);
  adze_dag_free (dag);
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

/* ---- What is read. */

static uint32_t
node (const adze_dag *dag, const char *name)
{
  for (uint32_t i = 0; i < dag->node_count; i++)
    if (strcmp (dag->names[i], name) == 0)
      return i;
  fail_msg ("no node %s", name);
  return 0;
}

/* QUESTION: "X Y" or "X Y Z W". */
static bool
is_separated (const adze_dag *dag, const char *question)
{
  char words[4][8] = { "" };
  uint32_t numbers[4];
  bool yes = false;
  int count = sscanf (question, "%7s %7s %7s %7s", words[0], words[1], words[2], words[3]);
  for (int i = 0; i < count; i++)
    numbers[i] = node (dag, words[i]);
  must (adze_dag_separated (dag, numbers, 1, numbers + 1, 1, numbers + 2, (size_t)count - 2, &yes));
  return yes;
}

static void
what_is_separated_is_found (void **state)
{
  static const struct {
    const char *graph, *question;
    bool yes;
  } questions[] = {
    { "A --> B\nB --> C\n", "A C", false },
    { "A --> B\nB --> C\n", "A C B", true },
    { "B --> A\nB --> C\n", "A C", false },
    { "B --> A\nB --> C\n", "A C B", true },
    { "A --> B\nC --> B\nB --> D\n", "A C", true },
    { "A --> B\nC --> B\nB --> D\n", "A C B", false },
    { "A --> B\nC --> B\nB --> D\n", "A C D", false }, /* an effect of where arrowheads meet */
    { "A <-> B\nB <-> C\n", "A C", true },
    { "A <-> B\nB <-> C\n", "A C B", false },
    { "A --> B\nA <-> B\nB --> C\n", "A C B", true },
    { "A --> B\nB --> C\nB <-> C\n", "A C B", false }, /* by way of what is hidden */
    { "A --> B\nB --> D\nA --> C\nC --> D\n", "B C A", true },
    { "A --> B\nB --> D\nA --> C\nC --> D\n", "B C A D", false },
    { "A --> B\nC\n", "A C", true },
  };
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (questions); i++) {
    adze_dag *dag = NULL;
    must (adze_dag_read ("x", questions[i].graph, strlen (questions[i].graph), &dag));
    if (is_separated (dag, questions[i].question) != questions[i].yes)
      fail_msg ("%s of %s", questions[i].question, questions[i].graph);
    adze_dag_free (dag);
  }
}

static void
what_separation_makes_no_sense_of_is_refused (void **state)
{
  static const char text[] = "A --> B\nC --- B\n", other[] = "A --> B\nC\n";
  const uint32_t a = 0, b = 1, c = 2, none = 3;
  adze_dag *dag = NULL;
  bool yes;
  (void)state;
  must (adze_dag_read ("x", text, sizeof text - 1, &dag));
  must_fail (adze_dag_separated (dag, &a, 1, &b, 1, NULL, 0, &yes), ADZE_E_UNSUPPORTED, "'C --- B'", NULL);
  adze_dag_free (dag);
  must (adze_dag_read ("x", other, sizeof other - 1, &dag));
  must_fail (adze_dag_separated (dag, &a, 1, &b, 1, &a, 1, &yes), ADZE_E_PARAM, "'A' stands in two", NULL);
  must_fail (adze_dag_separated (dag, &a, 1, &none, 1, &c, 1, &yes), ADZE_E_PARAM, "no node 3", NULL);
  adze_dag_free (dag);
}

static void
a_chain_in_any_order_has_its_ancestors (void **state)
{
  static const char text[] = "C --> D\nB --> C\nA --> B\nA --> E\nE <-> D\nF --- D\n";
  adze_dag *dag = NULL;
  uint8_t in[6] = { 0 };
  (void)state;
  must (adze_dag_read ("x", text, sizeof text - 1, &dag));
  in[node (dag, "D")] = 1;
  adze_dag_ancestors (dag, in);
  assert_int_equal (in[node (dag, "A")] + in[node (dag, "B")] + in[node (dag, "C")], 3);
  assert_int_equal (in[node (dag, "E")] + in[node (dag, "F")], 0);
  adze_dag_free (dag);
}

static void
cells_are_read_without_their_quotes (void **state)
{
  static const char text[] = "a,\"b,\"\"c\"\r\n\"x\n\"\"y\"\"\",2\r\n,\"\"\n3,4";
  const adze_table_service *t = &adze_table_services;
  adze_table *table = NULL;
  (void)state;
  must (adze_table_parse ("x", text, sizeof text - 1, &table));
  assert_int_equal (t->rows (table), 3);
  assert_int_equal (t->columns (table), 2);
  assert_string_equal (t->name (table, 1), "b,\"c");
  assert_null (t->name (table, 2));
  assert_string_equal (t->cell (table, 0, 0).data, "x\n\"y\"");
  assert_int_equal (t->cell (table, 0, 0).size, 5);
  assert_string_equal (t->cell (table, 0, 1).data, "2");
  assert_int_equal (t->cell (table, 1, 0).size + t->cell (table, 1, 1).size, 0);
  assert_string_equal (t->cell (table, 2, 1).data, "4");
  assert_int_equal (t->line (table, 1), 4);
  assert_int_equal (t->cell (table, 3, 0).size, 0);
  adze_table_free (table);
}

static void
a_table_that_nobody_could_ask_is_refused (void **state)
{
  static const char twice[] = "a,b,a\n1,2,3\n", nameless[] = "a,,b\n1,2,3\n", bytes[] = "a\n\xff\n";
  adze_table *table = NULL;
  (void)state;
  must_fail (adze_table_parse ("x", twice, sizeof twice - 1, &table), ADZE_E_FORMAT, "two columns are called 'a'", NULL);
  must_fail (adze_table_parse ("x", nameless, sizeof nameless - 1, &table), ADZE_E_FORMAT, "column 2 has no name", NULL);
  must_fail (adze_table_parse ("x", bytes, sizeof bytes - 1, &table), ADZE_E_FORMAT, "x:2: not UTF-8", NULL);
  assert_null (table);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (content_is_what_the_type_says),
    cmocka_unit_test (names_may_stand_in_quotes),
    cmocka_unit_test (a_circle_is_named_by_one_of_its_nodes),
    cmocka_unit_test (what_is_separated_is_found),
    cmocka_unit_test (what_separation_makes_no_sense_of_is_refused),
    cmocka_unit_test (a_chain_in_any_order_has_its_ancestors),
    cmocka_unit_test (cells_are_read_without_their_quotes),
    cmocka_unit_test (a_table_that_nobody_could_ask_is_refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

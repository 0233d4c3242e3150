/* SPDX-License-Identifier: Apache-2.0 */
/* The source csv: cells, types, labels, what is refused, and memory and disks that fail. */
#include "../../plugins/sources/csv/csv_columns.c"
#include "../../plugins/sources/csv/csv_row.c"
#include "../../plugins/sources/csv/csv.c"

#include "source-tests.h"

static void
open_text (const char *text, const char *settings)
{
  must_open ("path", text, strlen (text), settings);
}

static void
types_are_those_of_all_cells (void **state)
{
  (void)state;
  const uint64_t both[] = { 0, 1 };
  open_text ("a,b,c,d,e\n1,1.5,x,-3,99999999999999999999\r\n+2, 2e3 ,\"y,\n\"\"z\"\"\",.5,4\n", NULL);
  assert_int_equal (own.schema.examples, 2);
  column_is (0, "a", ADZE_INT, 64, 0);
  column_is (1, "b", ADZE_FLOAT, 64, 0);
  column_is (2, "c", 0, 0, 0);
  column_is (3, "d", ADZE_FLOAT, 64, 0);
  column_is (4, "e", 0, 0, 0);
  must_read (both, 2);
  assert_int_equal (i64_at (0, 1), 2);
  assert_true (f64_at (1, 0) == 1.5 && f64_at (1, 1) == 2000);
  assert_string_equal (text_at (2, 0), "x");
  assert_string_equal (text_at (2, 1), "y,\n\"z\"");
  assert_true (f64_at (3, 0) == -3 && f64_at (3, 1) == 0.5);
  assert_string_equal (text_at (4, 0), "99999999999999999999");
}

static void
lines_may_end_and_begin_in_many_ways (void **state)
{
  (void)state;
  const uint64_t order[] = { 2, 0, 1 };
  open_text ("\xef\xbb\xbf"
             "a;b\r\n\r\n1;x\n\n\n2;y\r\n3;z",
             "separator=;\0");
  assert_int_equal (own.schema.examples, 3);
  column_is (0, "a", ADZE_INT, 64, 0);
  must_read (order, 3);
  assert_int_equal (i64_at (0, 0), 3);
  assert_string_equal (text_at (1, 0), "z");
  assert_int_equal (i64_at (0, 1), 1);
  assert_string_equal (text_at (1, 2), "y");
}

static void
a_table_may_have_no_header_and_lines_in_front (void **state)
{
  (void)state;
  const uint64_t first[] = { 0 };
  open_text ("3,4\n# more\n1\t\"x\n2\t5\" 7\n",
             "header=false\0skip-lines=2\0separator=tab\0quoting=false\0");
  assert_int_equal (own.schema.examples, 2);
  column_is (0, "1", ADZE_INT, 64, 0);
  column_is (1, "2", 0, 0, 0);
  must_read (first, 1);
  assert_string_equal (text_at (1, 0), "\"x");
}

static void
columns_are_chosen_gathered_and_labelled (void **state)
{
  (void)state;
  const uint64_t both[] = { 1, 0 };
  const char *text = "name,kind,a,b\nx,cat,1,2.5\ny,dog,3,4\n";
  open_text (text, "columns=[\"b\", \"name\", \"a\"]\0features=x\0label=kind\0"
                   "classes=[\"dog\", \"cat\"]\0number-type=f32\0");
  assert_int_equal (own.schema.count, 3);
  column_is (0, "x", ADZE_FLOAT, 32, 1);
  assert_int_equal (own.schema.columns[0].shape[0], 2);
  column_is (1, "name", 0, 0, 0);
  column_is (2, "kind", ADZE_INT, 64, 0);
  must_read (both, 2);
  const float *x = own.batch.rooms[0];
  assert_true (x[0] == 4 && x[1] == 3 && x[2] == 2.5f && x[3] == 1);
  assert_int_equal (i64_at (2, 0), 0);
  assert_int_equal (i64_at (2, 1), 1);
  open_text (text, "text-columns=[\"a\"]\0columns=[\"a\"]\0");
  column_is (0, "a", 0, 0, 0);
}

static void
what_is_missing_is_an_error_or_no_number (void **state)
{
  (void)state;
  const uint64_t all[] = { 0, 1, 2 };
  const char *text = "a,b,c\n1,,\n,x,NA\n3,y,nan\n";
  open_text (text, "missing=nan\0");
  column_is (0, "a", ADZE_FLOAT, 64, 0);
  column_is (1, "b", 0, 0, 0);
  column_is (2, "c", 0, 0, 0); /* no number in it at all */
  must_read (all, 3);
  assert_true (f64_at (0, 0) == 1 && isnan (f64_at (0, 1)));
  assert_string_equal (text_at (1, 0), "");
}

/* A point is a point whatever the program's locale says. */
static void
the_locale_does_not_matter (void **state)
{
  (void)state;
  const uint64_t first[] = { 0 };
  if (!setlocale (LC_ALL, "de_DE.UTF-8"))
    puts ("there is no locale de_DE.UTF-8; the one of C is used");
  open_text ("a\n1.5\n", NULL);
  must_read (first, 1);
  setlocale (LC_ALL, "C");
  assert_true (f64_at (0, 0) == 1.5);
}

static void
what_no_table_is_is_refused (void **state)
{
  (void)state;
  static const refused cases[] = {
    { "", 0, NULL, "path has no lines" },
    { "\n\r\n\n", 0, NULL, "path has no lines" },
    { "a,b\n", 0, NULL, "path has a line with names, and none with values|header = false" },
    { "a,b\n1,2,3\n", 0, NULL, "path:2: 3 cells, and the first line has 2" },
    { "a,b\n1,2\n\n\n3\n", 0, NULL, "path:5: 1 cell,|separator" },
    { "a;b\n1;2,3\n", 0, NULL, "path:2: 2 cells|separator" },
    { "a,b\n1,\"x\n\n", 0, NULL, "path:2: a quoted cell begins here and never ends|quoting" },
    { "a,b\n1,\"x\"y\n", 0, NULL, "path:2: a quoted cell is followed by text" },
    { "a,b\n\"x\n\ny\",\"x\"y\n", 0, NULL, "path:4: a quoted cell is followed by text" },
    { "a,a\n1,2\n", 0, NULL, "path:1: two columns are named 'a'|header = false" },
    { "a,b\n1\r2,3\n", 0, NULL, "path:2: a carriage return in the middle of a line" },
    { "a\n\r1\n", 0, NULL, "path:2: a carriage return" },
    { "a\0b\n1\n", 6, NULL, "path:1: a NUL byte|UTF-16" },
    { "\x1f\x8b\x08\0\0\0", 6, NULL, "packed by gzip|gunzip" },
    { "a,b\n1,2\n,3\n", 0, NULL, "path:3: no value in the column 'a'|missing|text-columns" },
    { "a\n1\n", 0, "columns=[\"b\"]\0", "'columns' names the column 'b', and the file has: 'a'" },
    { "a\n1\n", 0, "text-columns=[\"b\"]\0", "'text-columns' names the column 'b'" },
    { "a\n1\n", 0, "label=b\0", "'label' names the column 'b'" },
    { "a\nx\n", 0, "label=a\0", "the label 'a' is text|classes" },
    { "a\n1.5\n", 0, "label=a\0", "the label 'a' is a number with a fraction" },
    { "a\nx\ny\n", 0, "label=a\0classes=[\"x\"]\0", "path:3: 'y' in the column 'a'|'classes'" },
    { "a\n1\n\"\"\n", 0, "label=a\0missing=nan\0", "path:3: no value|a label is needed" },
    { "a\nx\n", 0, "features=f\0", "'features' gathers columns of numbers, and there is none" },
    { "a\n1\n", 0, "separator=ab\0", "'separator' is \"ab\"" },
    { "a\n1\n", 0, "separator=\"\0", "'separator'" },
    { "a\n1\n", 0, "separator=\0", "'separator' is \"\"" },
    { "a\n1\n", 0, "skip-lines=7\0", "path has not the 7 lines that 'skip-lines' says" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    must_refuse ("path", &cases[i], i);
}

/* A file that somebody writes to while it is open gives an error and no wrong number. */
static void
a_file_that_changes_is_noticed (void **state)
{
  (void)state;
  const uint64_t first[] = { 0 };
  char text[] = "a,b\n1,2\n3,4\n";
  must_open ("path", text, strlen (text), NULL);
  text[4] = 'x';
  assert_int_equal (own_read (first, 1), ADZE_E_FORMAT);
  must_say ("path:2: 'x' in the column 'a'|changed", 0);
  text[5] = '1';
  assert_int_equal (own_read (first, 1), ADZE_E_FORMAT);
}

static void
memory_and_disk_may_fail (void **state)
{
  (void)state;
  static const char text[] = "name,kind,a,b\nx,cat,1,2.5\n\"y\n\",dog,3,4\n";
  set_file ("path", text, sizeof text - 1);
  own_try_failures (NULL);
  own_try_failures ("features=x\0label=kind\0classes=[\"dog\", \"cat\"]\0");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (types_are_those_of_all_cells),
    cmocka_unit_test (lines_may_end_and_begin_in_many_ways),
    cmocka_unit_test (a_table_may_have_no_header_and_lines_in_front),
    cmocka_unit_test (columns_are_chosen_gathered_and_labelled),
    cmocka_unit_test (what_is_missing_is_an_error_or_no_number),
    cmocka_unit_test (the_locale_does_not_matter),
    cmocka_unit_test (what_no_table_is_is_refused),
    cmocka_unit_test (a_file_that_changes_is_noticed),
    cmocka_unit_test (memory_and_disk_may_fail),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  own_end ();
  return failed;
}

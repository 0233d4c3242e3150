/* SPDX-License-Identifier: Apache-2.0 */
/* The source text: lines, paragraphs, documents, what is no UTF-8, and memory and disks that fail. */
#include "../../plugins/sources/text/text.c"

#include "source-tests.h"

static const char one[] = "\xef\xbb\xbf" "first\r\n\n  second \r\n\r\nthird\nand more\n \n";
static const char two[] = "\n\nlast \xf0\x9f\x98\x80";

static void
open_both (const char *settings)
{
  set_file ("path", one, sizeof one - 1);
  own_file ("nothing", "", 0);
  own_file ("two", two, sizeof two - 1);
  if (own_open (settings) != ADZE_OK)
    fail_msg ("should have been opened: %s", own.reason);
  column_is (0, "text", 0, 0, 0);
}

static void
texts_are (const char *const *texts)
{
  uint64_t order[16] = { 0 }, count = 0;
  while (texts[count])
    count++;
  assert_int_equal (own.schema.examples, count);
  for (size_t i = 0; i < count; i++)
    order[i] = count - 1 - i;
  must_read (order, count);
  for (size_t i = 0; i < count; i++)
    assert_string_equal (text_at (0, i), texts[count - 1 - i]);
}

static void
lines (void **state)
{
  (void)state;
  static const char *const some[]
      = { "first", "  second ", "third", "and more", " ", "last \xf0\x9f\x98\x80", NULL };
  static const char *const all[] = { "first", "", "  second ", "", "third", "and more", " ", "", "",
                                     "last \xf0\x9f\x98\x80", NULL };
  open_both ("path=path\0paths=[\"nothing\", \"two\"]\0");
  texts_are (some);
  open_both ("path=path\0paths=[\"nothing\", \"two\"]\0keep-empty=true\0");
  texts_are (all);
}

static void
paragraphs_and_documents (void **state)
{
  (void)state;
  static const char *const paragraphs[]
      = { "first", "  second", "third\nand more", "last \xf0\x9f\x98\x80", NULL };
  const char *const documents[] = { one + 3, "", two, NULL };
  open_both ("path=path\0paths=[\"two\"]\0unit=paragraph\0");
  texts_are (paragraphs);
  open_both ("path=path\0paths=[\"nothing\", \"two\"]\0unit=document\0");
  texts_are (documents);
}

static void
what_is_no_text_is_refused (void **state)
{
  (void)state;
  static const refused cases[] = {
    { "", 0, "path=path\0", "path has no line with text" },
    { " \n", 0, "path=path\0unit=paragraph\0", "path has no paragraph" },
    { "x", 0, "path=\0", "neither 'path' nor 'paths'" },
    { "x", 0, "path=path\0paths=[\"gone\"]\0", "there is no gone" },
    { "x\ny\xff\n", 0, "path=path\0", "path:2: not UTF-8, at byte 3" },
    { "\xff\xfex\0", 4, "path=path\0", "path:1: not UTF-8|UTF-16" },
    { "\xfe\xff\0x", 4, "path=path\0", "path:1: not UTF-8|UTF-16" },
    { "a\x80", 0, "path=path\0", "path:1: not UTF-8, at byte 1" },
    { "a\xc3", 0, "path=path\0", "path:1: not UTF-8" },
    { "a\xc3\n", 0, "path=path\0", "path:1: not UTF-8, at byte 2" },
    { "\xc0\xaf", 0, "path=path\0", "not UTF-8" },
    { "\xe0\x80\xaf", 0, "path=path\0", "not UTF-8" },
    { "\xed\xa0\x80", 0, "path=path\0", "not UTF-8" },
    { "\xf0\x80\x80\xaf", 0, "path=path\0", "not UTF-8" },
    { "\xf4\x90\x80\x80", 0, "path=path\0", "not UTF-8" },
    { "\xf5\x80\x80\x80", 0, "path=path\0", "not UTF-8" },
    { "\n\n\xe9t\xe9", 0, "path=path\0unit=document\0", "path:3: not UTF-8, at byte 3|iconv" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    must_refuse ("path", &cases[i], i);
}

static void
memory_and_disk_may_fail (void **state)
{
  (void)state;
  open_both ("path=path\0paths=[\"two\"]\0");
  own_try_failures ("path=path\0paths=[\"two\"]\0");
  own_try_failures ("path=path\0paths=[\"two\"]\0unit=document\0");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (lines),
    cmocka_unit_test (paragraphs_and_documents),
    cmocka_unit_test (what_is_no_text_is_refused),
    cmocka_unit_test (memory_and_disk_may_fail),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  own_end ();
  return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The format onnx when memory or the disk fails it, at each allocation and each read in turn: it
 * says so, keeps nothing, and the next try works. And with a part that is not what it wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "onnx-plugin.h"

/* One of each kind of weight; the corpus of the fuzzer has them in files. */
static const char *const samples[] = { "raw",      "float-data", "int-data", "external",
                                       "branches", "metadata",   "odd" };

static adze_file
load (const char *name)
{
  char path[4096];
  const char *sources = getenv ("TOP_SRCDIR");
  snprintf (path, sizeof path, "%s/tests/fuzz/corpus/onnx/%s", sources ? sources : ".", name);
  FILE *from = fopen (path, "rb");
  if (!from)
    fail_msg ("%s cannot be read", path);
  adze_file file = { checked (malloc (65536)), 0 };
  file.size = fread (file.data, 1, 65536, from);
  fclose (from);
  return file;
}

static void
begin (void)
{
  static uint8_t outside[8192];
  memset (&own, 0, sizeof own);
  own.beside = (adze_file){ outside, sizeof outside };
}

static void
reading_fails_at_each_allocation_and_each_read (void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    adze_file file = load (samples[i]);
    adze_catalog catalog;
    begin ();
    assert_int_equal (read_into (&file, &catalog), ADZE_OK);
    catalog_cleanup (&catalog);
    size_t allocations = own.allocations, reads = own.reads;
    assert_true (allocations > 2 && reads > 0);
    for (size_t n = 1; n <= allocations; n++) {
      begin ();
      own.failing_allocation = n;
      assert_int_equal (read_into (&file, &catalog), ADZE_E_MEMORY);
      assert_non_null (strstr (own.reason, "no memory"));
      assert_int_equal (own.live, 0);
      catalog_cleanup (&catalog);
    }
    for (size_t n = 1; n <= reads; n++) {
      begin ();
      own.failing_read = n;
      assert_int_equal (read_into (&file, &catalog), ADZE_E_IO);
      assert_int_equal (own.live, 0);
      catalog_cleanup (&catalog);
    }
    free (file.data);
  }
}

static void
writing_fails_at_each_allocation (void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    adze_file file = load (samples[i]);
    adze_catalog catalog;
    adze_layout layout;
    begin ();
    assert_int_equal (read_into (&file, &catalog), ADZE_OK);
    begin ();
    assert_int_equal (write_into (&catalog, "always", &layout), ADZE_OK);
    layout_cleanup (&layout);
    size_t allocations = own.allocations;
    assert_true (allocations > 2);
    for (size_t n = 1; n <= allocations; n++) {
      begin ();
      own.failing_allocation = n;
      assert_int_equal (write_into (&catalog, "always", &layout), ADZE_E_MEMORY);
      assert_int_equal (own.live, 0);
      layout_cleanup (&layout);
    }
    catalog_cleanup (&catalog);
    free (file.data);
  }
}

/* Every byte of the part is changed in turn, and every length tried: what comes of it is a refusal
 * or some file, but nothing else. */
static void
a_damaged_part_does_no_harm (void **state)
{
  (void)state;
  size_t refused = 0;
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    adze_file file = load (samples[i]);
    adze_catalog catalog;
    adze_layout layout;
    begin ();
    assert_int_equal (read_into (&file, &catalog), ADZE_OK);
    /* A block of its own for each try, so that a sanitizer sees a reader that goes one too far. */
    uint8_t *part = catalog.part;
    size_t size = catalog.part_size;
    for (size_t at = 0; at < 2 * size; at++) {
      catalog.part_size = at < size ? size : at - size;
      catalog.part = checked (malloc (catalog.part_size + !catalog.part_size));
      memcpy (catalog.part, part, catalog.part_size);
      if (at < size)
        catalog.part[at] ^= 0x81;
      refused += write_into (&catalog, "keep", &layout) != ADZE_OK;
      layout_cleanup (&layout);
      free (catalog.part);
    }
    catalog.part = part;
    catalog_cleanup (&catalog);
    free (file.data);
    assert_int_equal (own.live, 0);
  }
  assert_true (refused > 100);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (reading_fails_at_each_allocation_and_each_read),
    cmocka_unit_test (writing_fails_at_each_allocation),
    cmocka_unit_test (a_damaged_part_does_no_harm),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Traits held against pieces whose two sides are not of one length: whatever a plan said, nothing
 * is read behind the end of either. Each side ends where a page without access begins. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <adze/draft/traits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/verify.h"

enum { MOST = 64 };

/* COUNT floats right before a page that nobody may touch. */
typedef struct edge {
  char *pages;
  size_t page;
  float *data;
  int64_t shape[1];
  adze_tensor_meta meta;
} edge;

static void
edge_open (edge *side, size_t count, float first)
{
  side->page = (size_t)sysconf (_SC_PAGESIZE);
  assert_true (count <= MOST && MOST * sizeof (float) <= side->page);
  side->pages = mmap (NULL, 2 * side->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
  assert_ptr_not_equal (side->pages, MAP_FAILED);
  assert_int_equal (mprotect (side->pages + side->page, side->page, PROT_NONE), 0);
  side->data = (float *)(side->pages + side->page) - count;
  for (size_t i = 0; i < count; i++)
    side->data[i] = first;
  side->shape[0] = (int64_t)count;
  side->meta = (adze_tensor_meta){ .struct_size = sizeof side->meta,
                                   .name = "w",
                                   .rank = 1,
                                   .shape = side->shape,
                                   .dtype = { ADZE_FLOAT, 32, 1 } };
}

static void
edge_close (edge *side)
{
  munmap (side->pages, 2 * side->page);
}

/* IN elements, all FIRST, become OUT elements, all LATER, under PROMISE. */
static adze_breach
check (adze_promise *promise, size_t in, float first, size_t out, float later)
{
  edge before, after;
  adze_breach breach;
  edge_open (&before, in, first);
  edge_open (&after, out, later);
  const adze_verified_piece piece
      = { .in = { &before.meta, before.data, in, 0 }, .out = { &after.meta, after.data, out, 0 } };
  adze_promise_check (promise, &piece, &breach);
  edge_close (&before);
  edge_close (&after);
  return breach;
}

static void
test_zeros (void **state)
{
  adze_promise promise = { .sparsity = true };
  (void)state;
  assert_null (check (&promise, 8, 0, MOST, 0).trait);
  assert_null (check (&promise, MOST, 0, 8, 0).trait);
  assert_null (check (&promise, 0, 0, MOST, 1).trait);
  assert_string_equal (check (&promise, 8, 0, MOST, 1).trait, ADZE_TRAIT_SPARSITY);
}

static void
test_frozen (void **state)
{
  adze_promise promise = { .frozen = true };
  (void)state;
  assert_null (check (&promise, 8, 1, 8, 1).trait);
  /* What ends is not what it was from there on. */
  assert_int_equal (check (&promise, 8, 1, MOST, 1).where, 8);
  assert_int_equal (check (&promise, MOST, 1, 8, 1).where, 8);
  assert_int_equal (check (&promise, 0, 1, MOST, 1).where, 0);
  assert_int_equal (check (&promise, MOST, 1, 8, 2).where, 0);
  assert_string_equal (check (&promise, 8, 1, MOST, 1).trait, ADZE_TRAIT_FROZEN);
}

/* Who is to blame is looked for in the input: up to its end. */
static void
test_neighbours (void **state)
{
  adze_promise promise = { .n = 2, .m = 4 };
  (void)state;
  assert_null (check (&promise, 8, 1, MOST, 0).trait);
  adze_breach breach = check (&promise, 8, 0, MOST, 1);
  assert_string_equal (breach.trait, ADZE_TRAIT_NM);
  assert_int_equal (breach.blame, ADZE_BLAME_STAGE);
  assert_int_equal (breach.where, 2);
  assert_int_equal (check (&promise, 8, 1, MOST, 1).blame, ADZE_BLAME_INPUT);
  assert_int_equal (check (&promise, 0, 1, MOST, 1).blame, ADZE_BLAME_STAGE);
}

static void
test_codebook (void **state)
{
  adze_promise promise = { .k = 1 };
  (void)state;
  assert_null (adze_book_open (promise.k, &promise.book));
  assert_null (check (&promise, 8, 1, MOST, 1).trait);
  adze_breach breach = check (&promise, 8, 1, MOST, 2);
  assert_string_equal (breach.trait, ADZE_TRAIT_CODEBOOK);
  assert_int_equal (breach.blame, ADZE_BLAME_STAGE);
  assert_int_equal (check (&promise, 0, 1, MOST, 2).blame, ADZE_BLAME_STAGE);
  adze_promise_close (&promise);
}

/* Promises about places are none of another shape, whatever its traits are said to be. */
static void
test_other_shape (void **state)
{
  ADZE_AUTO_VALUE traits = adze_value_new (ADZE_VALUE_TABLE);
  adze_promise promise;
  (void)state;
  assert_non_null (traits);
  for (int i = 0; i < 2; i++) {
    adze_value *nothing = adze_value_new (ADZE_VALUE_TABLE);
    assert_non_null (nothing);
    assert_null (
        adze_value_append (traits, i == 0 ? ADZE_TRAIT_SPARSITY : ADZE_TRAIT_FROZEN, nothing));
  }
  assert_null (adze_promise_open (traits, traits, false, &promise));
  assert_true (adze_promise_is_empty (&promise));
  adze_promise_close (&promise);
  assert_null (adze_promise_open (traits, traits, true, &promise));
  assert_true (promise.sparsity && promise.frozen);
  adze_promise_close (&promise);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_zeros),      cmocka_unit_test (test_frozen),
    cmocka_unit_test (test_neighbours), cmocka_unit_test (test_codebook),
    cmocka_unit_test (test_other_shape),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of threads: every item once, the same bytes for any number of threads, the lowest
 * failure, and calls that nest, meet or lack threads. Bodies only note what they see; cmocka's
 * assertions are for the main thread. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"

static const unsigned thread_counts[] = { 1, 2, 3, 8 };

static adze_pool *
open_pool (unsigned threads)
{
  adze_pool *pool = NULL;
  assert_null (adze_pool_open (threads, &pool));
  return pool;
}

/* ---- For each. */

enum { ITEMS_MAX = 1000 };

typedef struct visit_counts {
  size_t grain;
  atomic_uint seen[ITEMS_MAX];
  atomic_uint pieces;
  atomic_bool badly_cut;
} visit_counts;

static adze_status
visit (void *argument, size_t first, size_t last)
{
  visit_counts *visits = argument;
  size_t grain = visits->grain ? visits->grain : 1;
  if (first % grain != 0 || last <= first || last - first > grain)
    atomic_store (&visits->badly_cut, true);
  atomic_fetch_add (&visits->pieces, 1);
  for (size_t i = first; i < last; i++)
    atomic_fetch_add (&visits->seen[i], 1);
  return ADZE_OK;
}

static void
every_item_once (void **state)
{
  (void)state;
  static const size_t counts[] = { 0, 1, 2, 7, 64, ITEMS_MAX };
  static const size_t grains[] = { 0, 1, 3, 64, 999, SIZE_MAX };
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    assert_int_equal (adze_pool_threads (pool), thread_counts[t]);
    for (size_t c = 0; c < ADZE_COUNT_OF (counts); c++)
      for (size_t g = 0; g < ADZE_COUNT_OF (grains); g++) {
        visit_counts visits = { .grain = grains[g] };
        assert_int_equal (adze_pool_for (pool, NULL, counts[c], grains[g], visit, &visits),
                          ADZE_OK);
        size_t grain = grains[g] ? grains[g] : 1;
        assert_int_equal (visits.pieces, counts[c] / grain + (counts[c] % grain != 0));
        assert_false (visits.badly_cut);
        for (size_t i = 0; i < ITEMS_MAX; i++)
          assert_int_equal (visits.seen[i], i < counts[c]);
      }
    adze_pool_close (pool);
  }
}

typedef struct meeting_place {
  pthread_mutex_t mutex;
  pthread_cond_t arrived;
  unsigned present;
  bool missed;
} meeting_place;

/* Returns when both pieces are inside it; the time limit is there for a broken pool alone. */
static adze_status
meet (void *argument, size_t first, size_t last)
{
  (void)first;
  (void)last;
  meeting_place *meeting = argument;
  struct timespec until;
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += 30;
  pthread_mutex_lock (&meeting->mutex);
  meeting->present++;
  pthread_cond_broadcast (&meeting->arrived);
  while (meeting->present < 2 && !meeting->missed)
    if (pthread_cond_timedwait (&meeting->arrived, &meeting->mutex, &until) != 0)
      meeting->missed = true;
  pthread_mutex_unlock (&meeting->mutex);
  return ADZE_OK;
}

static void
pieces_run_at_once (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (2);
  meeting_place meeting
      = { .mutex = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER };
  assert_int_equal (adze_pool_for (pool, NULL, 2, 1, meet, &meeting), ADZE_OK);
  assert_false (meeting.missed);
  adze_pool_close (pool);
}

/* ---- Failures. */

typedef struct failure_plan {
  size_t fails_from; /* pieces from here on fail, ... */
  size_t fails_each; /* ... those whose number this divides */
  size_t yields;     /* the lower a piece, the longer it takes */
  atomic_uint begun[ITEMS_MAX];
  atomic_size_t total;
} failure_plan;

static bool
is_failing (const failure_plan *failures, size_t piece)
{
  return piece >= failures->fails_from && piece % failures->fails_each == 0;
}

static adze_status
fail_some (void *argument, size_t first, size_t last)
{
  (void)last;
  failure_plan *failures = argument;
  atomic_fetch_add (&failures->begun[first], 1);
  atomic_fetch_add (&failures->total, 1);
  for (size_t i = first; i < failures->yields; i++)
    sched_yield ();
  return is_failing (failures, first) ? (adze_status)(100 + first) : ADZE_OK;
}

/* High failures come early, as low pieces dawdle: the lowest must win all the same. */
static void
the_lowest_failure_is_returned (void **state)
{
  (void)state;
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    for (size_t lowest = 0; lowest < 60; lowest += 3) {
      failure_plan failures = { .fails_from = lowest, .fails_each = 3, .yields = 100 };
      assert_int_equal (adze_pool_for (pool, NULL, ITEMS_MAX, 1, fail_some, &failures),
                        100 + lowest);
      for (size_t i = 0; i < ITEMS_MAX; i++)
        assert_int_equal (failures.begun[i] >= (i <= lowest) && failures.begun[i] <= 1, 1);
      if (thread_counts[t] == 1)
        assert_int_equal (failures.total, lowest + 1);
    }
    adze_pool_close (pool);
  }
}

static adze_status
fail_at_once (void *argument, size_t first, size_t last)
{
  (void)argument;
  (void)first;
  (void)last;
  return ADZE_E_CANCELLED;
}

static adze_status
fail_at_once_leaf (void *argument, size_t first, size_t last, void *result)
{
  (void)result;
  return fail_at_once (argument, first, last);
}

static void
merge_nothing (void *argument, void *left, const void *right)
{
  (void)argument;
  (void)left;
  (void)right;
}

/* No arithmetic on the number of pieces may overflow. */
static void
the_largest_counts (void **state)
{
  (void)state;
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    uint64_t result = 1;
    assert_int_equal (adze_pool_for (pool, NULL, SIZE_MAX, 1, fail_at_once, NULL),
                      ADZE_E_CANCELLED);
    assert_int_equal (adze_pool_reduce (pool, NULL, SIZE_MAX, 1, fail_at_once_leaf, merge_nothing,
                                        NULL, &result, sizeof result),
                      ADZE_E_CANCELLED);
    assert_true (result == 0);
    adze_pool_close (pool);
  }
}

/* ---- Reduce. */

/* A merge that writes its tree down. */
typedef struct written_tree {
  char text[4096];
} written_tree;

static adze_status
write_leaf (void *argument, size_t first, size_t last, void *result)
{
  (void)argument;
  written_tree *tree = result;
  /* Shows when the room was not zeroed. */
  size_t used = strlen (tree->text);
  snprintf (tree->text + used, sizeof tree->text - used, "%zu-%zu", first, last);
  return ADZE_OK;
}

static void
write_merge (void *argument, void *left, const void *right)
{
  (void)argument;
  written_tree *tree = left;
  const written_tree *other = right;
  written_tree merged;
  int size = snprintf (merged.text, sizeof merged.text, "(%.2000s %.2000s)", tree->text,
                       other->text);
  if (size < (int)sizeof merged.text)
    *tree = merged;
}

/* The same tree by another way, that of a binary counter: equal neighbours are merged as soon as
 * they stand there, and in the end the rest from the right. */
static void
expect_tree (size_t count, size_t grain, written_tree *result)
{
  static written_tree stack[16];
  size_t sizes[16], depth = 0;
  for (size_t first = 0; first < count; first += grain) {
    stack[depth].text[0] = '\0';
    write_leaf (NULL, first, first + grain < count ? first + grain : count, &stack[depth]);
    sizes[depth++] = 1;
    for (; depth > 1 && sizes[depth - 1] == sizes[depth - 2]; depth--) {
      write_merge (NULL, &stack[depth - 2], &stack[depth - 1]);
      sizes[depth - 2] *= 2;
    }
  }
  for (; depth > 1; depth--)
    write_merge (NULL, &stack[depth - 2], &stack[depth - 1]);
  *result = stack[0];
}

static void
one_tree_for_any_number_of_threads (void **state)
{
  (void)state;
  static written_tree expected, found;
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    for (size_t count = 1; count < 150; count += count < 40 ? 1 : 7)
      for (size_t grain = 1; grain <= 3; grain += 2) {
        expect_tree (count, grain, &expected);
        memset (&found, 'x', sizeof found);
        assert_int_equal (adze_pool_reduce (pool, NULL, count, grain, write_leaf, write_merge,
                                            NULL, &found, sizeof found),
                          ADZE_OK);
        assert_string_equal (found.text, expected.text);
      }
    adze_pool_close (pool);
  }
}

typedef struct partial_sum {
  double value;
  double leaves;
} partial_sum;

/* Terms of such different size that the order of adding them shows in the last bits. */
static adze_status
sum_leaf (void *argument, size_t first, size_t last, void *result)
{
  (void)argument;
  partial_sum *sum = result;
  for (size_t i = first; i < last; i++)
    sum->value += 1.0 / (double)(1 + i * i % 1013) * (i % 2 ? 1 : -3e7);
  sum->leaves++;
  return ADZE_OK;
}

static void
sum_merge (void *argument, void *left, const void *right)
{
  (void)argument;
  partial_sum *sum = left;
  sum->value += ((const partial_sum *)right)->value;
  sum->leaves += ((const partial_sum *)right)->leaves;
}

static partial_sum
sum_of (adze_pool *pool, size_t count)
{
  partial_sum result = { 0 };
  if (adze_pool_reduce (pool, NULL, count, 10, sum_leaf, sum_merge, NULL, &result, sizeof result)
      != ADZE_OK)
    result.leaves = -1;
  return result;
}

static void
the_same_bytes_for_any_number_of_threads (void **state)
{
  (void)state;
  enum { COUNT = 100003 };
  adze_pool *alone = open_pool (1);
  partial_sum expected = sum_of (alone, COUNT);
  assert_true (expected.leaves == 10001);
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    for (unsigned round = 0; round < 5; round++) {
      partial_sum found = sum_of (pool, COUNT);
      assert_memory_equal (&found, &expected, sizeof found);
    }
    adze_pool_close (pool);
  }
  adze_pool_close (alone);
}

static void
reducing_nothing (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (2);
  partial_sum result = { 1, 1 };
  assert_int_equal (adze_pool_reduce (pool, NULL, 0, 1, sum_leaf, sum_merge, NULL, &result,
                                      sizeof result),
                    ADZE_OK);
  assert_true (result.value == 0 && result.leaves == 0);
  /* A reduction may also be after its side effects alone. */
  assert_int_equal (adze_pool_reduce (pool, NULL, 100, 1, fail_at_once_leaf, merge_nothing, NULL,
                                      NULL, 0),
                    ADZE_E_CANCELLED);
  adze_pool_close (pool);
}

static adze_status
fail_some_leaf (void *argument, size_t first, size_t last, void *result)
{
  ((partial_sum *)result)->value = 1;
  return fail_some (argument, first, last);
}

static void
the_lowest_failed_leaf_is_returned (void **state)
{
  (void)state;
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    for (size_t lowest = 0; lowest < 600; lowest += 30) {
      failure_plan failures = { .fails_from = lowest, .fails_each = 3, .yields = 100 };
      partial_sum result = { 1, 1 };
      assert_int_equal (adze_pool_reduce (pool, NULL, ITEMS_MAX, 1, fail_some_leaf, sum_merge,
                                          &failures, &result, sizeof result),
                        100 + lowest);
      assert_true (result.value == 0 && result.leaves == 0);
    }
    adze_pool_close (pool);
  }
}

/* ---- Nesting, and callers that meet. */

typedef struct nesting {
  adze_pool *pool;
  partial_sum expected;
  atomic_uint right;
} nesting;

static adze_status
reduce_inside (void *argument, size_t first, size_t last)
{
  (void)first;
  (void)last;
  nesting *nest = argument;
  partial_sum found = sum_of (nest->pool, 500);
  if (memcmp (&found, &nest->expected, sizeof found) == 0)
    atomic_fetch_add (&nest->right, 1);
  return ADZE_OK;
}

static void
calls_nest (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (3);
  nesting nest = { .pool = pool, .expected = sum_of (pool, 500) };
  assert_int_equal (adze_pool_for (pool, NULL, 50, 1, reduce_inside, &nest), ADZE_OK);
  assert_int_equal (nest.right, 50);
  adze_pool_close (pool);
}

typedef struct thread_check {
  adze_pool *pool;
  atomic_uint elsewhere; /* pieces of an inner call that ran on another thread than its caller */
} thread_check;

typedef struct inner_call {
  thread_check *check;
  pthread_t caller;
} inner_call;

static adze_status
stay_on_thread (void *argument, size_t first, size_t last)
{
  (void)first;
  (void)last;
  const inner_call *inner = argument;
  if (!pthread_equal (inner->caller, pthread_self ()))
    atomic_fetch_add (&inner->check->elsewhere, 1);
  sched_yield ();
  return ADZE_OK;
}

static adze_status
call_inside (void *argument, size_t first, size_t last)
{
  (void)first;
  (void)last;
  inner_call inner = { .check = argument, .caller = pthread_self () };
  return adze_pool_for (inner.check->pool, NULL, 20, 1, stay_on_thread, &inner);
}

static void
inner_calls_stay_on_their_thread (void **state)
{
  (void)state;
  thread_check check = { .pool = open_pool (3) };
  assert_int_equal (adze_pool_for (check.pool, NULL, 100, 1, call_inside, &check), ADZE_OK);
  assert_int_equal (check.elsewhere, 0);
  adze_pool_close (check.pool);
}

static void *
call_often (void *argument)
{
  for (size_t i = 0; i < 50; i++)
    (void)reduce_inside (argument, 0, 1);
  return NULL;
}

static void
callers_meet (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (3);
  nesting nest = { .pool = pool, .expected = sum_of (pool, 500) };
  pthread_t callers[4];
  for (size_t i = 0; i < ADZE_COUNT_OF (callers); i++)
    assert_int_equal (pthread_create (&callers[i], NULL, call_often, &nest), 0);
  for (size_t i = 0; i < ADZE_COUNT_OF (callers); i++)
    pthread_join (callers[i], NULL);
  assert_int_equal (nest.right, 50 * ADZE_COUNT_OF (callers));
  adze_pool_close (pool);
}

/* ---- Hooks. */

static _Thread_local int depth;

typedef struct hook_watch {
  adze_pool *pool;
  const adze_pool_hooks *hooks;
  atomic_uint entered;
  atomic_uint left;
  atomic_uint outside; /* callbacks that ran where no hook had been */
} hook_watch;

static void
enter (void *context)
{
  atomic_fetch_add (&((hook_watch *)context)->entered, 1);
  depth++;
}

static void
leave (void *context)
{
  atomic_fetch_add (&((hook_watch *)context)->left, 1);
  depth--;
}

static adze_status
watched_leaf (void *argument, size_t first, size_t last, void *result)
{
  (void)result;
  (void)first;
  (void)last;
  if (depth < 1)
    atomic_fetch_add (&((hook_watch *)argument)->outside, 1);
  return ADZE_OK;
}

static void
watched_merge (void *argument, void *left, const void *right)
{
  (void)right;
  (void)watched_leaf (argument, 0, 0, left);
}

static adze_status
watched_body (void *argument, size_t first, size_t last)
{
  hook_watch *watch = argument;
  char result;
  (void)adze_pool_reduce (watch->pool, watch->hooks, 20, 1, watched_leaf, watched_merge, watch,
                          &result, 1);
  return watched_leaf (argument, first, last, NULL);
}

static void
hooks_surround_every_callback (void **state)
{
  (void)state;
  for (size_t t = 0; t < ADZE_COUNT_OF (thread_counts); t++) {
    adze_pool *pool = open_pool (thread_counts[t]);
    hook_watch watch = { .pool = pool };
    adze_pool_hooks hooks = { .enter = enter, .leave = leave, .context = &watch };
    watch.hooks = &hooks;
    char result;
    assert_int_equal (adze_pool_for (pool, &hooks, 0, 1, watched_body, &watch), ADZE_OK);
    assert_int_equal (watch.entered, 0);
    assert_int_equal (adze_pool_for (pool, &hooks, 40, 1, watched_body, &watch), ADZE_OK);
    assert_int_equal (adze_pool_reduce (pool, &hooks, 400, 1, watched_leaf, watched_merge, &watch,
                                        &result, 1),
                      ADZE_OK);
    assert_int_equal (watch.outside, 0);
    assert_true (watch.entered > 0);
    assert_int_equal (watch.entered, watch.left);
    assert_int_equal (depth, 0);
    adze_pool_close (pool);
  }
}

static void
either_hook_may_be_missing (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (2);
  hook_watch watch = { 0 };
  adze_pool_hooks hooks = { .context = &watch };
  visit_counts visits = { .grain = 1 };
  assert_int_equal (adze_pool_for (pool, &hooks, 9, 1, visit, &visits), ADZE_OK);
  assert_int_equal (visits.pieces, 9);
  adze_pool_close (pool);
}

/* ---- The number of threads. */

/* A stack that no machine has makes the system refuse each new thread. */
static void
refused_threads_change_nothing (void **state)
{
  (void)state;
  pthread_attr_t usual, greedy;
  assert_int_equal (pthread_getattr_default_np (&usual), 0);
  assert_int_equal (pthread_getattr_default_np (&greedy), 0);
  assert_int_equal (pthread_attr_setstacksize (&greedy, (size_t)1 << 50), 0);
  adze_pool *pool = open_pool (4);
  partial_sum expected = sum_of (pool, 5000);
  adze_pool_close (pool);

  pool = open_pool (4);
  assert_int_equal (pthread_setattr_default_np (&greedy), 0);
  partial_sum alone = sum_of (pool, 5000);
  assert_int_equal (pthread_setattr_default_np (&usual), 0);
  partial_sum later = sum_of (pool, 5000);
  adze_pool_close (pool);
  pthread_attr_destroy (&greedy);
  pthread_attr_destroy (&usual);
  assert_memory_equal (&alone, &expected, sizeof alone);
  assert_memory_equal (&later, &expected, sizeof later);
}

static void
the_number_of_threads (void **state)
{
  (void)state;
  adze_pool *pool = open_pool (0);
  assert_true (adze_pool_threads (pool) >= 1);
  adze_pool_close (pool);
  pool = NULL;
  ADZE_AUTO_ERROR error = adze_pool_open (5000, &pool);
  assert_int_equal (adze_error_status (error), ADZE_E_LIMIT);
  assert_null (pool);
  adze_pool_close (NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_item_once),
    cmocka_unit_test (pieces_run_at_once),
    cmocka_unit_test (the_lowest_failure_is_returned),
    cmocka_unit_test (the_largest_counts),
    cmocka_unit_test (one_tree_for_any_number_of_threads),
    cmocka_unit_test (the_same_bytes_for_any_number_of_threads),
    cmocka_unit_test (reducing_nothing),
    cmocka_unit_test (the_lowest_failed_leaf_is_returned),
    cmocka_unit_test (calls_nest),
    cmocka_unit_test (inner_calls_stay_on_their_thread),
    cmocka_unit_test (callers_meet),
    cmocka_unit_test (hooks_surround_every_callback),
    cmocka_unit_test (either_hook_may_be_missing),
    cmocka_unit_test (refused_threads_change_nothing),
    cmocka_unit_test (the_number_of_threads),
  };
  return cmocka_run_group_tests_name ("parallel", tests, NULL, NULL);
}

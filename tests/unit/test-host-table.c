/* SPDX-License-Identifier: Apache-2.0 */
/* The table that a plugin is handed: reasons arrive whole and in order, rules that are broken are
 * named, a thread of the pool counts as inside the callback it works for, and memory is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <adze/error.h>
#include <adze/event.h>
#include <adze/log.h>
#include <adze/param.h>
#include <adze/parallel.h>
#include <adze/random.h>

#include "plugin/host_table.h"
#include "plugin/manifest/params.h"
#include "plugin/services.h"

static adze_profile
watching (void)
{
  adze_profile profile = adze_profile_everyday;
  profile.watch_threads = true;
  return profile;
}

static adze_desk *
open_desk (const char *source, const adze_profile *profile, adze_pool *pool)
{
  adze_desk_options options = { .profile = profile,
                                .pool = pool,
                                .services = adze_service_find,
                                .source = source,
                                .seed = 7 };
  adze_desk *desk = NULL;
  assert_null (adze_desk_open (&options, &desk));
  return desk;
}

/* Its message, and those of its causes, are exactly these; NULL ends them. Frees ERROR. */
static void
assert_chain (adze_error *error, adze_status status, ...)
{
  va_list messages;
  assert_non_null (error);
  assert_int_equal (adze_error_status (error), status);
  va_start (messages, status);
  const adze_error *link = error;
  for (const char *message; (message = va_arg (messages, const char *));
       link = adze_error_cause (link)) {
    assert_non_null (link);
    assert_string_equal (adze_error_message (link), message);
  }
  va_end (messages);
  assert_null (link);
  adze_error_free (error);
}

/* ---- Reasons. */

static void
reasons_in_order (void **state)
{
  (void)state;
  adze_desk *desk = open_desk ("thing", NULL, NULL);
  const adze_host *host = adze_desk_table (desk);
  adze_desk_frame frame;
  adze_desk_enter (desk, &frame);
  adze_fail (host, ADZE_E_IO, "the disk is full");
  adze_fail (host, ADZE_E_INTERNAL, "the table was not written");
  assert_chain (adze_desk_leave (&frame, "apply", ADZE_E_INTERNAL), ADZE_E_IO,
                "apply of 'thing' failed", "the table was not written", "the disk is full", NULL);
  /* What was said in one that went well is forgotten. */
  adze_desk_enter (desk, &frame);
  adze_fail (host, ADZE_E_IO, "never mind");
  assert_null (adze_desk_leave (&frame, "apply", ADZE_OK));
  adze_desk_enter (desk, &frame);
  assert_chain (adze_desk_leave (&frame, "create", ADZE_E_LIMIT), ADZE_E_LIMIT,
                "create of 'thing' failed", "it returned status 13 and gave no reason", NULL);
  adze_desk_close (desk);
}

static void
failures_without_sense (void **state)
{
  (void)state;
  adze_desk *desk = open_desk ("thing", NULL, NULL);
  const adze_host *host = adze_desk_table (desk);
  const adze_error_service *service = host->service (host, ADZE_ERROR);
  adze_desk_frame frame;
  adze_desk_enter (desk, &frame);
  adze_error *error = adze_desk_leave (&frame, "apply", (adze_status)-5);
  assert_string_equal (adze_error_fact (error, "reason"), "none");
  assert_chain (error, ADZE_E_INTERNAL, "apply of 'thing' failed",
                "it returned -5, which is no status", NULL);
  adze_desk_enter (desk, &frame);
  service->push (host, (adze_status)1000, NULL);
  assert_chain (adze_desk_leave (&frame, "apply", (adze_status)1000), ADZE_E_INTERNAL,
                "apply of 'thing' failed", "no reason given", NULL);
  assert_null (host->service (host, NULL));
  assert_null (host->service (host, "adze.nothing/1"));
  adze_desk_close (desk);
}

/* Two components that call each other through the host, on one thread. */
static void
desks_within_each_other (void **state)
{
  (void)state;
  adze_desk *outer = open_desk ("outer", NULL, NULL), *inner = open_desk ("inner", NULL, NULL);
  adze_desk_frame outside, inside, again;
  adze_desk_enter (outer, &outside);
  adze_desk_enter (inner, &inside);
  adze_fail (adze_desk_table (inner), ADZE_E_IO, "inner's own");
  /* The outer one is still inside its callback: what it says is its own affair. */
  adze_fail (adze_desk_table (outer), ADZE_E_FORMAT, "outer's own");
  adze_desk_enter (outer, &again);
  adze_fail (adze_desk_table (outer), ADZE_E_LIMIT, "outer's second callback");
  assert_chain (adze_desk_leave (&again, "event", ADZE_E_LIMIT), ADZE_E_LIMIT,
                "event of 'outer' failed", "outer's second callback", NULL);
  assert_chain (adze_desk_leave (&inside, "apply", ADZE_E_IO), ADZE_E_IO,
                "apply of 'inner' failed", "inner's own", NULL);
  assert_chain (adze_desk_leave (&outside, "apply", ADZE_E_FORMAT), ADZE_E_FORMAT,
                "apply of 'outer' failed", "outer's own", NULL);
  adze_desk_close (outer);
  adze_desk_close (inner);
}

/* ---- Parameters. */

static void
parameters_read_wrongly (void **state)
{
  (void)state;
  struct adze_param_value values[1];
  memset (values, 0, sizeof values);
  values[0].name = (char *)"level";
  values[0].type = ADZE_PARAM_INT;
  values[0].integer = 12;
  adze_params params;
  memset (&params, 0, sizeof params);
  params.values = values;
  params.count = 1;
  adze_desk *desk = open_desk ("thing", NULL, NULL);
  const adze_host *host = adze_desk_table (desk);
  adze_desk_frame frame;
  adze_desk_enter (desk, &frame);
  assert_int_equal (adze_param_int (host, &params, "level"), 12);
  assert_null (adze_desk_leave (&frame, "create", ADZE_OK));

  adze_desk_enter (desk, &frame);
  assert_int_equal (adze_param_int (host, &params, "height"), 0);
  assert_false (adze_param_bool (host, &params, "level"));
  /* The first rule that was broken is the one to mend first; and what it returned is no excuse. */
  assert_chain (adze_desk_leave (&frame, "create", ADZE_OK), ADZE_E_CONTRACT,
                "create of 'thing' broke the contract",
                "it read a parameter 'height' that its table does not declare", NULL);
  adze_desk_enter (desk, &frame);
  assert_null (adze_param_string (host, &params, "level"));
  assert_chain (adze_desk_leave (&frame, "create", ADZE_E_IO), ADZE_E_CONTRACT,
                "create of 'thing' broke the contract",
                "it read the parameter 'level', a int, as a string", NULL);
  const adze_params_service *service = adze_params_of (host);
  assert_int_equal (service->count (&params), 1);
  assert_int_equal (service->count (NULL), 0);
  assert_string_equal (service->name_at (&params, 0), "level");
  assert_null (service->name_at (&params, 1));
  adze_desk_close (desk);
}

/* ---- Threads. */

typedef struct many {
  const adze_host *host;
  uint64_t numbers[1000];
  atomic_int failed;
} many;

static adze_status
draw (void *argument, size_t first, size_t last)
{
  many *all = argument;
  if (!adze_random_fill (all->host, "s", first, all->numbers + first, last - first))
    return ADZE_E_UNSUPPORTED;
  return ADZE_OK;
}

static adze_status
push_at_500 (void *argument, size_t first, size_t last)
{
  many *all = argument;
  if (first > 500 || last <= 500)
    return ADZE_OK;
  return adze_fail (all->host, ADZE_E_LIMIT, "item 500 is too much");
}

static adze_status
nest (void *argument, size_t first, size_t last)
{
  many own = { .host = ((many *)argument)->host };
  (void)first;
  (void)last;
  return adze_parallel_for (own.host, 1000, 10, draw, &own);
}

static void
bodies_are_inside (void **state)
{
  (void)state;
  adze_profile profile = watching ();
  uint64_t first[1000];
  for (unsigned threads = 1; threads <= 3; threads++) {
    adze_pool *pool = NULL;
    assert_null (adze_pool_open (threads, &pool));
    adze_desk *desk = open_desk ("thing", &profile, pool);
    many all = { .host = adze_desk_table (desk) };
    adze_desk_frame frame;
    adze_desk_enter (desk, &frame);
    assert_int_equal (adze_parallel_for (all.host, 1000, 7, draw, &all), ADZE_OK);
    assert_int_equal (adze_parallel_for (all.host, 5, 1, nest, &all), ADZE_OK);
    assert_null (adze_desk_leave (&frame, "apply", ADZE_OK));
    adze_desk_enter (desk, &frame);
    adze_status status = adze_parallel_for (all.host, 1000, 3, push_at_500, &all);
    assert_chain (adze_desk_leave (&frame, "apply", status), ADZE_E_LIMIT,
                  "apply of 'thing' failed", "item 500 is too much", NULL);
    assert_null (adze_desk_strays (desk));
    if (threads == 1)
      memcpy (first, all.numbers, sizeof first);
    assert_memory_equal (first, all.numbers, sizeof first);
    adze_desk_close (desk);
    adze_pool_close (pool);
  }
}

static adze_status
sum_leaf (void *argument, size_t first, size_t last, void *result)
{
  (void)argument;
  for (size_t i = first; i < last; i++)
    *(double *)result += 1.0 / (double)(i + 1);
  return ADZE_OK;
}

static void
sum_merge (void *argument, void *left, const void *right)
{
  (void)argument;
  *(double *)left += *(const double *)right;
}

static void
sums_are_the_same (void **state)
{
  (void)state;
  double sums[3];
  for (unsigned threads = 1; threads <= 3; threads++) {
    adze_pool *pool = NULL;
    assert_null (adze_pool_open (threads, &pool));
    adze_desk *desk = open_desk ("thing", NULL, pool);
    const adze_host *host = adze_desk_table (desk);
    const adze_parallel_service *service = host->service (host, ADZE_PARALLEL);
    adze_desk_frame frame;
    adze_desk_enter (desk, &frame);
    assert_int_equal (service->reduce (host, 100003, 101, sum_leaf, sum_merge, NULL,
                                       &sums[threads - 1], sizeof (double)),
                      ADZE_OK);
    assert_null (adze_desk_leave (&frame, "apply", ADZE_OK));
    adze_desk_close (desk);
    adze_pool_close (pool);
  }
  assert_memory_equal (&sums[0], &sums[1], sizeof (double));
  assert_memory_equal (&sums[0], &sums[2], sizeof (double));
}

static void *
ask_from_outside (void *argument)
{
  const adze_host *host = argument;
  uint64_t number;
  adze_log (host, ADZE_LOG_INFO, "which is allowed");
  adze_random_fill (host, "s", 0, &number, 1);
  adze_fail (host, ADZE_E_IO, "a reason for nothing");
  void *memory = host->allocate (host, 10);
  host->release (host, memory);
  return NULL;
}

static void
strays_are_kept (void **state)
{
  (void)state;
  adze_profile profile = watching ();
  adze_desk *desk = open_desk ("thing", &profile, NULL);
  adze_desk_frame frame;
  pthread_t threads[4];
  adze_desk_enter (desk, &frame);
  for (int i = 0; i < 4; i++)
    assert_int_equal (pthread_create (&threads[i], NULL, ask_from_outside,
                                      (void *)adze_desk_table (desk)),
                      0);
  for (int i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
  /* It is not this callback that did it. */
  assert_null (adze_desk_leave (&frame, "apply", ADZE_OK));
  assert_chain (adze_desk_strays (desk), ADZE_E_CONTRACT,
                "'thing' broke the contract: adze.random/1 fill is tagged [callback] and was called "
                "outside one",
                NULL);
  assert_null (adze_desk_strays (desk));
  assert_int_equal (adze_desk_allocations (desk), 4);
  assert_int_equal (adze_desk_outstanding (desk), 0);
  adze_desk_close (desk);
}

/* ---- Memory. */

static void
memory_is_counted (void **state)
{
  (void)state;
  adze_desk *desk = open_desk ("thing", NULL, NULL);
  const adze_host *host = adze_desk_table (desk);
  unsigned char *blocks[10];
  for (size_t i = 0; i < 10; i++) {
    blocks[i] = host->allocate (host, i * 33);
    assert_non_null (blocks[i]);
    assert_int_equal ((uintptr_t)blocks[i] % 64, 0);
    for (size_t j = 0; j < i * 33; j++)
      assert_int_equal (blocks[i][j], 0);
    memset (blocks[i], 0xff, i * 33);
  }
  assert_int_equal (adze_desk_allocations (desk), 10);
  assert_int_equal (adze_desk_outstanding (desk), 45 * 33);
  adze_error *kept = adze_desk_audit (desk);
  assert_chain (kept, ADZE_E_CONTRACT, "'thing' did not release 1485 bytes that it got from allocate",
                NULL);
  for (size_t i = 0; i < 10; i++)
    host->release (host, blocks[i]);
  host->release (host, NULL);
  assert_int_equal (adze_desk_outstanding (desk), 0);
  assert_null (adze_desk_audit (desk));
  assert_null (host->allocate (host, SIZE_MAX));
  adze_desk_close (desk);
}

static void
one_allocation_fails (void **state)
{
  (void)state;
  adze_profile profile = watching ();
  profile.fail_allocation = 2;
  adze_desk *desk = open_desk ("thing", &profile, NULL);
  const adze_host *host = adze_desk_table (desk);
  void *first = host->allocate (host, 1);
  assert_non_null (first);
  assert_null (host->allocate (host, 1));
  void *third = host->allocate (host, 1);
  assert_non_null (third);
  host->release (host, first);
  host->release (host, third);
  adze_desk_close (desk);
}

static void
released_twice (void **state)
{
  (void)state;
  adze_profile profile = watching ();
  adze_desk *desk = open_desk ("thing", &profile, NULL);
  const adze_host *host = adze_desk_table (desk);
  adze_desk_frame frame;
  adze_desk_enter (desk, &frame);
  void *memory = host->allocate (host, 100);
  host->release (host, memory);
  host->release (host, memory);
  assert_int_equal (adze_desk_outstanding (desk), 0);
  assert_chain (adze_desk_leave (&frame, "apply", ADZE_OK), ADZE_E_CONTRACT,
                "apply of 'thing' broke the contract",
                "it released memory that it did not get from allocate, or released it twice", NULL);
  /* Where no callback can fail for it, it is not lost either. */
  adze_desk_enter (desk, &frame);
  memory = host->allocate (host, 100);
  host->release (host, memory);
  host->release (host, memory);
  adze_desk_leave_void (&frame, "destroy");
  assert_chain (adze_desk_audit (desk), ADZE_E_CONTRACT, "destroy of 'thing' broke the contract",
                "it released memory that it did not get from allocate, or released it twice", NULL);
  adze_desk_close (desk);
}

/* ---- A host with nothing to offer. */

static void
bare_host (void **state)
{
  (void)state;
  adze_profile profile = watching ();
  profile.without_services = true;
  adze_desk *desk = open_desk ("thing", &profile, NULL);
  many all = { .host = adze_desk_table (desk) };
  uint64_t number = 5;
  adze_desk_frame frame;
  assert_non_null (all.host->service (all.host, ADZE_PARAMS));
  assert_null (all.host->service (all.host, ADZE_ERROR));
  adze_desk_enter (desk, &frame);
  adze_log (all.host, ADZE_LOG_INFO, "unheard");
  adze_emit (all.host, "unseen", NULL, 0);
  assert_false (adze_random_fill (all.host, "s", 0, &number, 1));
  assert_int_equal (number, 5);
  assert_int_equal (adze_parallel_for (all.host, 10, 3, draw, &all), ADZE_E_UNSUPPORTED);
  assert_int_equal (adze_fail (all.host, ADZE_E_IO, "unsaid"), ADZE_E_IO);
  assert_null (adze_desk_leave (&frame, "apply", ADZE_OK));
  adze_desk_close (desk);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (reasons_in_order),        cmocka_unit_test (failures_without_sense),
    cmocka_unit_test (desks_within_each_other), cmocka_unit_test (parameters_read_wrongly),
    cmocka_unit_test (bodies_are_inside),       cmocka_unit_test (sums_are_the_same),
    cmocka_unit_test (strays_are_kept),         cmocka_unit_test (memory_is_counted),
    cmocka_unit_test (one_allocation_fails),    cmocka_unit_test (released_twice),
    cmocka_unit_test (bare_host),
  };
  return cmocka_run_group_tests_name ("host table", tests, NULL, NULL);
}

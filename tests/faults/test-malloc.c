/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out, at each allocation in turn: nothing crashes, nothing is lost, no half file stays
 * behind, and the next try works. */
#include "steps.h"

#if defined __GLIBC__
#define OWN_ALLOCATOR 1
#else
#define OWN_ALLOCATOR 0
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#undef OWN_ALLOCATOR
#define OWN_ALLOCATOR 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef OWN_ALLOCATOR
#define OWN_ALLOCATOR 0
#endif
#endif

#if OWN_ALLOCATOR

#include <errno.h>

/* The C library's, under its second names; ours stand in front of them. One thread at a time
 * allocates here. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *memory);

static uint64_t counted, failing;
static bool armed;
static int64_t live;

static bool
must_run_out (void)
{
  if (!armed || ++counted != failing)
    return false;
  errno = ENOMEM;
  return true;
}

static void *
handed_out (void *memory)
{
  live += memory != NULL;
  return memory;
}

/* Libraries must find these before the C library's. */
#pragma GCC visibility push(default)
void *malloc (size_t size);
void *calloc (size_t count, size_t size);
void *realloc (void *memory, size_t size);
void *memalign (size_t alignment, size_t size);
void *aligned_alloc (size_t alignment, size_t size);
int posix_memalign (void **memory, size_t alignment, size_t size);
void free (void *memory);
#pragma GCC visibility pop

void *
malloc (size_t size)
{
  return must_run_out () ? NULL : handed_out (__libc_malloc (size));
}

void *
calloc (size_t count, size_t size)
{
  return must_run_out () ? NULL : handed_out (__libc_calloc (count, size));
}

void *
realloc (void *memory, size_t size)
{
  if (!memory)
    return malloc (size);
  return must_run_out () ? NULL : __libc_realloc (memory, size);
}

void *
memalign (size_t alignment, size_t size)
{
  return must_run_out () ? NULL : handed_out (__libc_memalign (alignment, size));
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return memalign (alignment, size);
}

int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  void *block = memalign (alignment, size);
  if (!block)
    return ENOMEM;
  *memory = block;
  return 0;
}

void
free (void *memory)
{
  live -= memory != NULL;
  __libc_free (memory);
}

/* Takes STEP with allocation NUMBER failing; false: there was none of that number. */
static bool
try_at (const world *w, const step *one, uint64_t number)
{
  one->undo (w);
  int64_t before = live;
  counted = 0;
  failing = number;
  armed = true;
  adze_error *error = one->run (w);
  armed = false;
  adze_error_free (error);
  if (live != before)
    fail_msg ("%s: when allocation %llu failed, %lld blocks were lost", one->name,
              (unsigned long long)number, (long long)(live - before));
  return counted >= number;
}

static void
take (void **state, const char *name)
{
  world *w = *state;
  const step *one = steps;
  while (strcmp (one->name, name) != 0)
    one++;
  uint64_t number = 1;
  for (; try_at (w, one, number); number += one->stride) {
    all_is_whole (w);
    if (number % 16 == 1) {
      one->undo (w);
      must (one->run (w));
    }
  }
  assert_true (number > 3);
  one->undo (w);
  must (one->run (w));
}

#define STEP(name) \
  static void step_##name##_without_memory (void **state) { take (state, #name); }
STEP (look)
STEP (use)
STEP (cache)
STEP (key)
STEP (probe)
STEP (isolate)
STEP (run)
STEP (look_back)
STEP (lock)
STEP (stamp)
STEP (show)
STEP (diff)
STEP (convert)
STEP (resume)

/* In one and the same runtime: what failed for want of memory is no verdict on the plugin. */
static void
a_runtime_recovers (void **state)
{
  world *w = *state;
  for (uint64_t number = 1; number < 3000; number += 3) {
    adze_runtime *runtime = NULL;
    must (open_in (w, &runtime));
    counted = 0;
    failing = number;
    armed = true;
    adze_error *error = look_at (runtime);
    if (!error)
      error = use_with (runtime, -1);
    armed = false;
    adze_error_free (error);
    must (adze_runtime_refresh (runtime, false));
    must (look_at (runtime));
    must (use_with (runtime, -1));
    adze_runtime_close (runtime);
    if (counted < number)
      return;
  }
}

/* Once the plugin has been found, not even looking again is needed. */
static void
a_load_is_tried_again (void **state)
{
  world *w = *state;
  for (uint64_t number = 1; number < 3000; number++) {
    adze_runtime *runtime = NULL;
    must (open_in (w, &runtime));
    must (look_at (runtime));
    counted = 0;
    failing = number;
    armed = true;
    adze_error *error = use_with (runtime, -1);
    armed = false;
    adze_error_free (error);
    must (use_with (runtime, -1));
    adze_runtime_close (runtime);
    if (counted < number)
      return;
  }
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
#define TRIED(test) cmocka_unit_test (test)
  const struct CMUnitTest tests[] = {
    TRIED (step_look_without_memory),    TRIED (step_use_without_memory),
    TRIED (step_cache_without_memory),   TRIED (step_key_without_memory),
    TRIED (step_probe_without_memory),   TRIED (step_isolate_without_memory),
    TRIED (step_stamp_without_memory),   TRIED (step_show_without_memory),
    TRIED (step_diff_without_memory),    TRIED (step_convert_without_memory),
    TRIED (step_resume_without_memory),  TRIED (a_runtime_recovers),
    TRIED (a_load_is_tried_again),       TRIED (step_run_without_memory),
    TRIED (step_lock_without_memory),    TRIED (step_look_back_without_memory),
  };
  return cmocka_run_group_tests_name ("out of memory", tests, make_warm_world, end_world);
}

#else

int
main (void)
{
  puts ("a sanitizer has an allocator of its own: not applicable");
  return 0;
}

#endif

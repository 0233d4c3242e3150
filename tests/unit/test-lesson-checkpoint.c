/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of a lesson: which one is gone on from, when the process was killed while one was being replaced, and the
 * other one is damaged. */
#include "world.h"

#include <adze/sdk.h>

/* ---- A host that keeps notes, and a training that is a number of steps. */

enum { NOTES = 8 };

typedef struct note {
  char name[80];
  char *bytes;
  size_t size;
} note;

static note notes[NOTES];
static uint64_t step, loaded;
static const char *refuse; /* a name that nothing is saved under */

static void *
allocate (const adze_host *host, size_t size)
{
  (void)host;
  return calloc (1, size);
}

static void
release (const adze_host *host, void *memory)
{
  (void)host;
  free (memory);
}

static const void *
service (const adze_host *host, const char *id)
{
  (void)host;
  (void)id;
  return NULL;
}

static const adze_host host = { .struct_size = sizeof host, .service = service, .allocate = allocate, .release = release };

static note *
find (const char *name)
{
  for (size_t i = 0; i < NOTES; i++)
    if (!notes[i].name[0] || strcmp (notes[i].name, name) == 0)
      return &notes[i];
  fail_msg ("more than %d notes", NOTES);
  return NULL;
}

static adze_status
save (const adze_host *h, adze_context *context, const char *name, const void *data, size_t size)
{
  (void)h;
  (void)context;
  if (refuse && strcmp (name, refuse) == 0)
    return ADZE_E_IO;
  note *one = find (name);
  snprintf (one->name, sizeof one->name, "%s", name);
  free (one->bytes);
  one->bytes = malloc (size + 1);
  assert_non_null (one->bytes);
  memcpy (one->bytes, data, size);
  one->size = size;
  return ADZE_OK;
}

static adze_status
load (const adze_host *h, adze_context *context, const char *name, const void **data, size_t *size)
{
  const note *one = find (name);
  (void)h;
  (void)context;
  *data = one->bytes;
  *size = one->size;
  return ADZE_OK;
}

static void
forget (const char *name)
{
  note *one = find (name);
  assert_true (one->size > 0);
  one->size = 0;
}

static void
progress (const adze_host *h, const adze_training *training, adze_train_progress_info *info)
{
  (void)h;
  (void)training;
  info->step = step;
}

static adze_status
save_training (const adze_host *h, adze_training *training, const void **bytes, size_t *size)
{
  (void)h;
  (void)training;
  *bytes = &step;
  *size = sizeof step;
  return ADZE_OK;
}

static adze_status
load_training (const adze_host *h, adze_training *training, const void *bytes, size_t size)
{
  (void)h;
  (void)training;
  assert_int_equal (size, sizeof loaded);
  memcpy (&loaded, bytes, size);
  return ADZE_OK;
}

static const adze_run_service run = { .struct_size = sizeof run, .save = save, .load = load };
static const adze_train_service train
    = { .struct_size = sizeof train, .progress = progress, .save = save_training, .load = load_training };

static adze_lesson
a_lesson (void)
{
  adze_lesson lesson = { .host = &host, .run = &run, .train = &train, .total = 100 };
  lesson.feed.batches = 10;
  return lesson;
}

/* Steps 20 and 40 are saved; 60 as well but for its head, which is when the process is killed. */
static void
be_killed (void)
{
  adze_lesson lesson = a_lesson ();
  memset (notes, 0, sizeof notes);
  refuse = NULL;
  for (step = 20; step <= 60; step += 20) {
    refuse = step == 60 ? "train.1.head" : NULL;
    assert_int_equal (adze_lesson_save (&lesson), step == 60 ? ADZE_E_IO : ADZE_OK);
  }
  loaded = 0;
}

static uint64_t
go_on (void)
{
  adze_lesson lesson = a_lesson ();
  assert_int_equal (adze_lesson_resume (&lesson), ADZE_OK);
  assert_int_equal (lesson.saved_step, loaded);
  for (size_t i = 0; i < NOTES; i++)
    free (notes[i].bytes);
  memset (notes, 0, sizeof notes);
  return loaded;
}

/* ---- Tests. */

static void
the_one_that_is_whole_is_taken (void **state)
{
  (void)state;
  be_killed ();
  assert_int_equal (go_on (), 40);
}

/* What is there of step 60 lies with the head of step 20, and is that of neither. */
static void
an_older_head_is_none_of_newer_bytes (void **state)
{
  static const char *const damaged[] = { "train.0", "train.0.head" };
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (damaged); i++) {
    be_killed ();
    forget (damaged[i]);
    assert_int_equal (go_on (), 0);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_one_that_is_whole_is_taken),
    cmocka_unit_test (an_older_head_is_none_of_newer_bytes),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a training takes, found out without any; memory that was laid out and is not there yet. */
#include "base/peak.h"
#include "train-networks.h"

/* ---- Memory. */

static void
memory_is_absent_until_it_is_written (void **state)
{
  enum { SIZE = 8 << 20 };
  (void)state;
  uint64_t before = adze_resident_memory ();
  char *block = aligned_alloc (64, SIZE);
  assert_non_null (block);
  assert_true (before > 0);
  assert_in_range (adze_absent_memory (block, SIZE), SIZE - (64 << 10), SIZE);
  memset (block, 1, SIZE / 2);
  assert_in_range (adze_absent_memory (block, SIZE), SIZE / 2 - (64 << 10), SIZE / 2 + (64 << 10));
  assert_true (adze_resident_memory () >= before + SIZE / 4);
  memset (block, 1, SIZE);
  assert_int_equal (adze_absent_memory (block, SIZE), 0);
  assert_int_equal (adze_absent_memory (block, 0), 0);
  free (block);
}

/* ---- A rehearsal. */

/* So many batches of four examples, and a last one of three. */
typedef struct many {
  feed feed;
  uint64_t batches;
  size_t asked, small, validated, epochs;
  adze_train_progress seen;
} many;

static adze_error *
next_of_many (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  many *m = argument;
  m->asked++;
  m->feed.x_shape[0] = m->feed.wanted_shape[0] = number + 1 == m->batches ? 3 : 4;
  m->small += number + 1 == m->batches;
  (void)epoch;
  *inputs = number < m->batches ? m->feed.inputs : NULL;
  return NULL;
}

static adze_error *
stopped (void *argument, const adze_trainer *trainer, double *score)
{
  many *m = argument;
  (void)trainer;
  (void)score;
  m->validated++;
  return adze_error_new (ADZE_E_CANCELLED, "nothing is computed");
}

static adze_error *
count_epoch (void *argument, const adze_trainer *trainer)
{
  many *m = argument;
  m->epochs++;
  m->seen = *adze_trainer_progress (trainer);
  return NULL;
}

static void
make_many (many *m, uint64_t batches)
{
  *m = (many){ .batches = batches };
  feed_xor (&m->feed, 0);
}

static void
first_and_last_batch_are_made_ready (void **state)
{
  const uint64_t counts[] = { 1, 2, 3, 937, 1000003 };
  for (size_t i = 0; i < ADZE_COUNT_OF (counts); i++) {
    net n;
    many m;
    make_xor (&n);
    make_many (&m, counts[i]);
    adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_ADAM, .1);
    options.batch = next_of_many;
    options.validate = stopped;
    options.after_epoch = count_epoch;
    options.argument = &m;
    ADZE_AUTO_TRAINER trainer = NULL;
    must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
    must (adze_trainer_rehearse (trainer));
    assert_true (m.small > 0);
    assert_true (m.asked < 50);
    assert_int_equal (m.validated, 1);
    assert_int_equal (m.epochs, 1);
    assert_int_equal (m.seen.step, 1);
    assert_non_null (adze_trainer_facts (trainer));
    adze_trainer_free (adze_take (&trainer));
    adze_graph_free (n.graph);
  }
}

static void
data_without_a_batch_is_refused (void **state)
{
  net n;
  many m;
  make_xor (&n);
  make_many (&m, 0);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_SGD, .1);
  options.batch = next_of_many;
  options.argument = &m;
  ADZE_AUTO_TRAINER trainer = NULL;
  must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
  ADZE_AUTO_ERROR error = adze_trainer_rehearse (trainer);
  assert_non_null (error);
  assert_non_null (strstr (adze_error_message (error), "has no batch to train with"));
  adze_graph_free (n.graph);
}

/* ---- Checkpoints in memory that steps use. */

/* Batches of two sizes in turn, saved after each: the same bytes as in a buffer, and nothing is harmed. */
static void
a_checkpoint_aside_is_the_same (void **state)
{
  net n;
  many m;
  make_xor (&n);
  make_many (&m, 3);
  adze_trainer_options options = options_of (*state, ADZE_OPTIMISER_ADAM, .1);
  options.batch = next_of_many;
  options.argument = &m;
  ADZE_AUTO_TRAINER trainer = NULL;
  ADZE_AUTO_TRAINER undisturbed = NULL;
  must (adze_trainer_new (n.graph, n.loss, &options, &trainer));
  must (adze_trainer_new (n.graph, n.loss, &options, &undisturbed));
  for (uint64_t i = 0; i < 12; i++) {
    ADZE_AUTO (adze_buffer) wanted = { 0 };
    ADZE_AUTO (adze_buffer) more = { 0 };
    const adze_view *const *inputs;
    const void *bytes;
    size_t size;
    must (next_of_many (&m, 0, i % 3, &inputs));
    must (adze_trainer_step (undisturbed, inputs));
    must (adze_trainer_step (trainer, inputs));
    must (adze_trainer_save (undisturbed, &wanted));
    must (adze_trainer_save_aside (trainer, &more, &bytes, &size));
    assert_int_equal (size, wanted.size);
    assert_memory_equal (bytes, wanted.data, size);
    assert_null (more.data);
    assert_true (adze_trainer_progress (trainer)->loss
                 == adze_trainer_progress (undisturbed)->loss);
  }
  adze_trainer_free (adze_take (&trainer));
  adze_trainer_free (adze_take (&undisturbed));
  adze_graph_free (n.graph);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (memory_is_absent_until_it_is_written),
    cmocka_unit_test (first_and_last_batch_are_made_ready),
    cmocka_unit_test (data_without_a_batch_is_refused),
    cmocka_unit_test (a_checkpoint_aside_is_the_same),
  };
  return cmocka_run_group_tests_name ("rehearsal", tests, engine_open, engine_close);
}

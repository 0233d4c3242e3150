/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets: batches in the order of an epoch, parts, and sources that break their contract. */
#include "world.h"

#include "artifact/dataset.h"

/* Opens the source that breaks rule WRONG. */
static adze_error *
open_crooked (world *w, int wrong, const adze_dataset_options *options, adze_dataset **dataset)
{
  char flags[32];
  snprintf (flags, sizeof flags, "-DWRONG=%d", wrong);
  free (build (w, "crooked", "crooked", flags));
  reopen (w, trusting (w));
  return adze_dataset_open (w->runtime, "crooked", NULL, options, dataset);
}

static void
batches_come_in_the_order_of_the_epoch (void **state)
{
  world *w = *state;
  const adze_dataset_options options = { .shuffle = true, .last = 1, .seed = 5 };
  adze_dataset *dataset;
  uint64_t order[10];
  if (!files_are_loaded ())
    return;
  must (open_crooked (w, 0, &options, &dataset));
  assert_int_equal (adze_dataset_count (dataset), 10);
  assert_int_equal (adze_dataset_columns (dataset), 2);
  assert_string_equal (adze_dataset_column (dataset, 0)->name, "x");
  assert_int_equal (adze_dataset_column_size (dataset, 0), 8);
  assert_true (adze_dataset_column (dataset, 1)->is_text);
  assert_int_equal (adze_dataset_batches (dataset, 4), 3);
  for (uint64_t epoch = 0; epoch < 2; epoch++) {
    adze_dataset_order (dataset, epoch, 0, 10, order);
    for (uint64_t number = 0; number < 3; number++) {
      size_t count;
      must (adze_dataset_read (dataset, epoch, number, 4, &count));
      assert_int_equal (count, number < 2 ? 4 : 2);
      const float *x = adze_dataset_values (dataset, 0);
      const adze_text *texts = adze_dataset_values (dataset, 1);
      for (size_t i = 0; i < count; i++) {
        uint64_t example = order[4 * number + i];
        assert_true (x[2 * i] == (float)example && x[2 * i + 1] == (float)example);
        assert_int_equal (texts[i].size, 1);
        assert_int_equal (texts[i].data[0], 'a' + example);
      }
    }
  }
  size_t count;
  must_fail (adze_dataset_read (dataset, 0, 3, 4, &count), ADZE_E_PARAM, "batch number 3", NULL);
  must_fail (adze_dataset_read (dataset, 0, 0, 0, &count), ADZE_E_PARAM, "batch number 0", NULL);
  adze_dataset_close (dataset);
}

static void
a_source_that_breaks_a_rule_is_named (void **state)
{
  (void)state;
  static const struct {
    int wrong;
    bool open; /* it opens, and reading fails */
    adze_status status;
    const char *words;
  } cases[] = {
    { 1, false, ADZE_E_CONTRACT, "did not say how many examples" },
    { 2, false, ADZE_E_CONTRACT, "told of no columns" },
    { 3, false, ADZE_E_CONTRACT, "for the second time how many examples" },
    { 4, false, ADZE_E_FORMAT, "two columns of the name 't'" },
    { 5, false, ADZE_E_FORMAT, "finds no examples" },
    { 6, false, ADZE_E_FORMAT, "elements of 31 bits" },
    { 7, false, ADZE_E_FORMAT, "the column 'x' cannot be" },
    { 8, true, ADZE_E_CONTRACT, "asked for no room for the column 'x'" },
    { 9, true, ADZE_E_CONTRACT, "the column 1, which is one of texts" },
    { 10, true, ADZE_E_CONTRACT, "gave no text for example 3 of a batch of 4" },
    { 11, true, ADZE_E_CONTRACT, "for the second time" },
    { 12, true, ADZE_E_CONTRACT, "the column 5, which is none" },
    { 13, false, ADZE_E_CONTRACT, "a column without a name" },
  };
  if (!files_are_loaded ())
    return;
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    /* A folder for each: what was loaded from a path stays, whatever lies there afterwards. */
    void *own = NULL;
    assert_int_equal (make_world (&own), 0);
    adze_dataset *dataset = NULL;
    size_t count;
    adze_error *error = open_crooked (own, cases[i].wrong, NULL, &dataset);
    if (cases[i].open) {
      must (error);
      error = adze_dataset_read (dataset, 0, 0, 4, &count);
    }
    must_fail (error, cases[i].status, "crooked", cases[i].words, NULL);
    adze_dataset_close (dataset);
    end_world (&own);
  }
}

static void
only_trusted_sources_are_used (void **state)
{
  world *w = *state;
  adze_dataset *dataset = NULL;
  if (!files_are_loaded ())
    return;
  free (build (w, "crooked", "crooked", ""));
  run_command ("printf '' > '%s'", in_world (w, "config.toml"));
  reopen (w, in_world (w, "config.toml"));
  must_fail (adze_dataset_open (w->runtime, "crooked", NULL, NULL, &dataset), ADZE_E_TRUST,
             "not trusted", "`trusted` in config.toml", NULL);
  must_fail (adze_dataset_open (w->runtime, "trace", NULL, NULL, &dataset), ADZE_E_PARAM,
             "'trace' is of kind observer", NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    IN_WORLD (batches_come_in_the_order_of_the_epoch),
    IN_WORLD (a_source_that_breaks_a_rule_is_named),
    IN_WORLD (only_trusted_sources_are_used),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

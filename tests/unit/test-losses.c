/* SPDX-License-Identifier: Apache-2.0 */
/* Losses and metrics against what they are by hand. */
#include "train-networks.h"

/* ---- Losses: three classes, two examples. */

static double scores[] = { .5, -1, 2, 0, 1, .25 };
static int64_t score_shape[] = { 2, 3 }, label_shape[] = { 2 };

/* -log softmax (score / TEMPERATURE). */
static double
surprise (size_t example, size_t class, double temperature)
{
  double sum = 0;
  for (size_t c = 0; c < 3; c++)
    sum += exp (scores[3 * example + c] / temperature);
  return log (sum) - scores[3 * example + class] / temperature;
}

typedef adze_error *(*loss_maker) (adze_graph *graph, uint32_t scores, uint32_t wanted,
                                   double setting, uint32_t *loss);

static double
loss_of (const engine *e, loss_maker make, double setting, bool classes, void *wanted_numbers)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  uint32_t input, wanted, loss;
  must (adze_graph_new ("loss", &graph));
  must (adze_graph_add_input (graph, "scores", f64, 2, score_shape, &input));
  must (adze_loss_add_input (graph, input, classes, "wanted", &wanted));
  must (make (graph, input, wanted, setting, &loss));
  must (adze_graph_add_output (graph, loss));
  const adze_compile_options options = { .ref = e->ref };
  must (adze_graph_compile (graph, &options, &executable));
  adze_view views[] = { view_of (scores, f64, 2, score_shape),
                        classes ? view_of (wanted_numbers, i64, 1, label_shape)
                                : view_of (wanted_numbers, f64, 2, score_shape) };
  const adze_view *inputs[] = { &views[0], &views[1] }, *output;
  must (adze_execute (executable, inputs, &output));
  return *(const double *)adze_view_data (output);
}

static adze_error *
squares (adze_graph *graph, uint32_t output, uint32_t wanted, double setting, uint32_t *loss)
{
  (void)setting;
  return adze_loss_squares (graph, output, wanted, loss);
}

static adze_error *
binary (adze_graph *graph, uint32_t output, uint32_t wanted, double setting, uint32_t *loss)
{
  (void)setting;
  return adze_loss_binary (graph, output, wanted, loss);
}

static void
near_to (double found, double wanted)
{
  if (!(fabs (found - wanted) < 1e-12))
    fail_msg ("%.15g should be %.15g", found, wanted);
}

static void
losses_are_those_of_the_books (void **state)
{
  const engine *e = *state;
  int64_t labels[] = { 2, 0 };
  double plain = (surprise (0, 2, 1) + surprise (1, 0, 1)) / 2, even = 0;
  for (size_t i = 0; i < 6; i++)
    even += surprise (i / 3, i % 3, 1) / 6;
  near_to (loss_of (e, adze_loss_cross_entropy, 0, true, labels), plain);
  near_to (loss_of (e, adze_loss_cross_entropy, .1, true, labels), .9 * plain + .1 * even);

  double wanted[] = { .5, 0, .5, 1, 0, 0 }, far = 0, apart = 0, bits = 0;
  for (size_t i = 0; i < 6; i++) {
    double s = 1 / (1 + exp (-scores[i]));
    far += (scores[i] - wanted[i]) * (scores[i] - wanted[i]) / 6;
    bits -= (wanted[i] * log (s) + (1 - wanted[i]) * log (1 - s)) / 6;
    if (wanted[i] > 0)
      apart += 4 * wanted[i] * (log (wanted[i]) + surprise (i / 3, i % 3, 2)) / 2;
  }
  near_to (loss_of (e, squares, 0, false, wanted), far);
  near_to (loss_of (e, binary, 0, false, wanted), bits);
  near_to (loss_of (e, adze_loss_divergence, 2, false, wanted), apart);
}

static void
losses_refuse_what_does_not_fit (void **state)
{
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t row, column, labels, loss;
  int64_t column_shape[] = { 3, 2 };
  (void)state;
  must (adze_graph_new ("loss", &graph));
  must (adze_graph_add_input (graph, "row", f64, 2, score_shape, &row));
  must (adze_graph_add_input (graph, "column", f64, 2, column_shape, &column));
  must (adze_graph_add_input (graph, "labels", i64, 1, label_shape, &labels));
  must_fail (adze_loss_squares (graph, row, column, &loss), ADZE_E_FORMAT, "'row'", "'column'",
             NULL);
  must_fail (adze_loss_cross_entropy (graph, labels, labels, 0, &loss), ADZE_E_FORMAT, "'labels'",
             NULL);
  must_fail (adze_loss_cross_entropy (graph, row, labels, 1, &loss), ADZE_E_PARAM, "smoothed",
             NULL);
  must_fail (adze_loss_divergence (graph, row, row, 0, &loss), ADZE_E_PARAM, "temperature", NULL);
}

/* ---- Metrics. */

static void
classes_are_counted (void **state)
{
  ADZE_AUTO_METRICS metrics = NULL;
  adze_metrics_result result;
  /* Guesses 0 (the first of two that are equal), 2, 1, and none. */
  float given[] = { 1, 1, 0, 0, 1, 2, 0, 3, 1, NAN, 0, 0 };
  int64_t wanted[] = { 0, 1, 1, 2 }, shape[] = { 4, 3 };
  (void)state;
  must (adze_metrics_new (ADZE_METRICS_CLASSES, "test images", 2, &metrics));
  adze_metrics_result_of (metrics, &result);
  assert_true (isnan (result.accuracy) && isnan (result.squares));
  adze_view views[] = { view_of (given, f32, 2, shape), view_of (wanted, i64, 1, shape) };
  must (adze_metrics_add (metrics, &views[0], &views[1]));
  adze_metrics_result_of (metrics, &result);
  near_to (result.accuracy, .5);
  near_to (result.top_k, .75);
  /* Class 0: 2 / 2; 1: 2 / 3; 2: 0 / 2. */
  near_to (result.macro_f1, (1 + 2.0 / 3 + 0) / 3);
  assert_true (isnan (result.perplexity)); /* a score is nan */
  assert_string_equal (result.protocol.data, "test images");
  assert_int_equal (result.protocol.examples, 4);
  assert_int_equal (result.protocol.batch, 4);
  assert_int_equal (result.protocol.most, 2);
  wanted[1] = 3;
  must_fail (adze_metrics_add (metrics, &views[0], &views[1]), ADZE_E_FORMAT, "label 3",
             "0 to 2", NULL);
  adze_metrics_ignore (metrics, 3);
  must (adze_metrics_add (metrics, &views[0], &views[1]));
  adze_metrics_result_of (metrics, &result);
  assert_int_equal (result.protocol.ignored, 1);
  assert_int_equal (result.protocol.examples, 7);
  assert_int_equal (result.protocol.batches, 2);
}

/* Scores of tokens: classes are in the middle. */
static void
perplexity_is_of_each_place (void **state)
{
  ADZE_AUTO_METRICS metrics = NULL;
  adze_metrics_result result;
  /* One example, two classes, three places. */
  float given[] = { 0, 1, 2, 0, 0, 0 };
  int64_t wanted[] = { 0, 0, 1 }, shape[] = { 1, 2, 3 }, places[] = { 1, 3 };
  (void)state;
  must (adze_metrics_new (ADZE_METRICS_CLASSES, "text", 1, &metrics));
  adze_view views[] = { view_of (given, f32, 3, shape), view_of (wanted, i64, 2, places) };
  must (adze_metrics_add (metrics, &views[0], &views[1]));
  adze_metrics_result_of (metrics, &result);
  double sum = log (2) + (log (1 + exp (1)) - 1) + log (1 + exp (2));
  near_to (result.perplexity, exp (sum / 3));
  near_to (result.surprise, sum / 3);
  near_to (result.accuracy, 2.0 / 3);
  assert_int_equal (result.protocol.examples, 3);
  assert_int_equal (result.protocol.batch, 1);
}

static void
values_are_compared (void **state)
{
  ADZE_AUTO_METRICS metrics = NULL;
  adze_metrics_result result;
  float given[] = { 1, 2, 3, 4 };
  double wanted[] = { 1, 0, 3, 3 };
  int64_t shape[] = { 2, 2 };
  (void)state;
  must (adze_metrics_new (ADZE_METRICS_VALUES, "test", 0, &metrics));
  adze_view views[] = { view_of (given, f32, 2, shape), view_of (wanted, f64, 2, shape) };
  must (adze_metrics_add (metrics, &views[0], &views[1]));
  adze_metrics_result_of (metrics, &result);
  near_to (result.squares, 5.0 / 4);
  assert_true (isnan (result.accuracy));
  assert_int_equal (result.protocol.examples, 2);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (losses_are_those_of_the_books),
    cmocka_unit_test (losses_refuse_what_does_not_fit),
    cmocka_unit_test (classes_are_counted),
    cmocka_unit_test (perplexity_is_of_each_place),
    cmocka_unit_test (values_are_compared),
  };
  return cmocka_run_group_tests_name ("losses", tests, engine_open, engine_close);
}

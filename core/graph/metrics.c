/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "artifact/decode.h"

/* What was said of one class. */
typedef struct tally {
  uint64_t right, guessed, labelled;
} tally;

struct adze_metrics {
  adze_metrics_kind kind;
  adze_metrics_protocol protocol;
  char *data;
  bool ignores;
  int64_t ignored;
  uint64_t right, among; /* examples */
  uint64_t elements;     /* of values */
  double surprise, squares;
  tally *tallies; /* one a class */
  double *scores; /* of one example */
};

/* ---- Made and given back. */

adze_error *
adze_metrics_new (adze_metrics_kind kind, const char *data, uint32_t most, adze_metrics **metrics)
{
  bool classes = kind == ADZE_METRICS_CLASSES;
  if (!classes && kind != ADZE_METRICS_VALUES)
    return adze_error_new (ADZE_E_CONTRACT, "there are no metrics of kind %d", (int)kind);
  if (classes != (most > 0))
    return adze_error_new (ADZE_E_PARAM,
                           classes ? "top-k is asked for with a k of 0; it must be 1 or more"
                                   : "top-k is asked for of values, which are no classes");
  ADZE_AUTO_METRICS m = calloc (1, sizeof *m);
  if (!m)
    return adze_error_memory ();
  m->kind = kind;
  m->data = strdup (data);
  m->protocol.data = m->data;
  m->protocol.most = most;
  if (!m->data)
    return adze_error_memory ();
  *metrics = adze_take (&m);
  return NULL;
}

void
adze_metrics_ignore (adze_metrics *m, int64_t label)
{
  m->ignores = true;
  m->ignored = label;
}

void
adze_metrics_free (adze_metrics *m)
{
  if (!m)
    return;
  free (m->data);
  free (m->tallies);
  free (m->scores);
  free (m);
}

/* ---- Classes. */

static adze_error *
check_plain (const adze_view *view, const char *what)
{
  const adze_tensor_meta meta = { .dtype = view->dtype };
  if (adze_decodes (&meta) && view->dtype.bits % 8 == 0)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED, "%s are of a type that is not measured", what);
}

/* The shape of OUTPUT without dimension 1, and as many classes as before. */
static adze_error *
check_classes (const adze_metrics *m, const adze_view *output, const adze_view *wanted)
{
  bool fits = output->rank >= 2 && wanted->rank == output->rank - 1 && output->shape[1] > 0
              && output->shape[1] <= INT32_MAX;
  for (int32_t i = 0; fits && i < wanted->rank; i++)
    fits = wanted->shape[i] == output->shape[i == 0 ? 0 : i + 1];
  if (!fits)
    return adze_error_new (ADZE_E_FORMAT,
                           "scores of %d dimensions, classes being the second, and labels of %d "
                           "do not belong to the same examples",
                           (int)output->rank, (int)wanted->rank);
  if (wanted->dtype.code != ADZE_INT && wanted->dtype.code != ADZE_UINT)
    return adze_error_new (ADZE_E_FORMAT, "labels must be whole numbers, the numbers of classes");
  if (m->protocol.classes && m->protocol.classes != output->shape[1])
    return adze_error_new (ADZE_E_FORMAT,
                           "a batch has scores of %" PRId64
                           " classes, and those before had %" PRIu32,
                           output->shape[1], m->protocol.classes);
  return NULL;
}

static adze_error *
begin_classes (adze_metrics *m, uint32_t classes)
{
  if (m->protocol.classes)
    return NULL;
  m->tallies = calloc (classes, sizeof *m->tallies);
  m->scores = calloc (classes, sizeof *m->scores);
  if (!m->tallies || !m->scores) {
    free (m->tallies);
    free (m->scores);
    m->tallies = NULL;
    m->scores = NULL;
    return adze_error_memory ();
  }
  m->protocol.classes = classes;
  return NULL;
}

/* -log softmax at CLASS; nan where a score is. */
static double
surprise_at (const double *scores, uint32_t classes, uint32_t class)
{
  double highest = scores[0], sum = 0;
  for (uint32_t c = 1; c < classes; c++)
    highest = scores[c] > highest ? scores[c] : highest;
  for (uint32_t c = 0; c < classes; c++)
    sum += exp (scores[c] - highest);
  return log (sum) + highest - scores[class];
}

/* How many classes stand before CLASS: a higher score, or the same and a lower number. Each nan
 * does. */
static uint32_t
place_of (const double *scores, uint32_t classes, uint32_t class)
{
  uint32_t before = 0;
  for (uint32_t c = 0; c < classes; c++)
    before += c != class && !(scores[c] < scores[class])
              && !(scores[c] == scores[class] && c > class);
  return before;
}

/* Of the highest score the first; CLASSES: there is none, for one is nan. */
static uint32_t
guess (const double *scores, uint32_t classes)
{
  uint32_t highest = 0;
  for (uint32_t c = 0; c < classes; c++) {
    if (isnan (scores[c]))
      return classes;
    highest = scores[c] > scores[highest] ? c : highest;
  }
  return highest;
}

static void
count_example (adze_metrics *m, uint32_t class)
{
  uint32_t classes = m->protocol.classes, guessed = guess (m->scores, classes);
  bool any = guessed < classes;
  m->protocol.examples++;
  m->tallies[class].labelled++;
  m->surprise += surprise_at (m->scores, classes, class);
  if (any)
    m->tallies[guessed].guessed++;
  if (guessed == class) {
    m->tallies[class].right++;
    m->right++;
  }
  m->among += any && place_of (m->scores, classes, class) < m->protocol.most;
}

static adze_error *
check_label (const adze_metrics *m, double label, uint32_t classes)
{
  if ((label >= 0 && label < classes) || (m->ignores && label == (double)m->ignored))
    return NULL;
  return adze_error_new (ADZE_E_FORMAT,
                         "an example of '%s' has the label %.0f, and there are scores of the "
                         "classes 0 to %" PRIu32,
                         m->data, label, classes - 1);
}

/* Elements of one example are INNER apart. All labels are looked at first, so that a batch is
 * counted or refused as a whole. */
static adze_error *
add_classes (adze_metrics *m, const adze_view *output, const adze_view *wanted)
{
  uint32_t classes = (uint32_t)output->shape[1];
  size_t labels = adze_view_count (wanted), each = output->dtype.bits / 8;
  size_t inner = output->shape[0] ? labels / (size_t)output->shape[0] : 0;
  ADZE_AUTO_FREE double *numbers = malloc ((labels + 1) * sizeof *numbers);
  if (!numbers)
    return adze_error_memory ();
  adze_decode (wanted->dtype, adze_view_data (wanted), labels, numbers);
  for (size_t i = 0; i < labels; i++)
    ADZE_TRY (check_label (m, numbers[i], classes));
  ADZE_TRY (begin_classes (m, classes));
  for (size_t i = 0; i < labels; i++) {
    if (m->ignores && numbers[i] == (double)m->ignored) {
      m->protocol.ignored++;
      continue;
    }
    const char *first = (const char *)adze_view_data (output)
                        + (i / inner * inner * classes + i % inner) * each;
    for (uint32_t c = 0; c < classes; c++)
      adze_decode (output->dtype, first + c * inner * each, 1, &m->scores[c]);
    count_example (m, (uint32_t)numbers[i]);
  }
  return NULL;
}

/* ---- Values. */

static adze_error *
add_values (adze_metrics *m, const adze_view *output, const adze_view *wanted)
{
  enum { PIECE = 256 };
  double is[PIECE], should[PIECE];
  size_t count = adze_view_count (output);
  const char *a = adze_view_data (output), *b = adze_view_data (wanted);
  bool fits = output->rank == wanted->rank;
  for (int32_t i = 0; fits && i < output->rank; i++)
    fits = output->shape[i] == wanted->shape[i];
  if (!fits)
    return adze_error_new (ADZE_E_FORMAT,
                           "what a network gives, and what it should have given, are of two "
                           "shapes");
  for (size_t at = 0; at < count; at += PIECE) {
    size_t piece = count - at < PIECE ? count - at : PIECE;
    adze_decode (output->dtype, a + at * (output->dtype.bits / 8), piece, is);
    adze_decode (wanted->dtype, b + at * (wanted->dtype.bits / 8), piece, should);
    for (size_t i = 0; i < piece; i++)
      m->squares += (is[i] - should[i]) * (is[i] - should[i]);
  }
  m->elements += count;
  m->protocol.examples += output->rank ? (uint64_t)output->shape[0] : 1;
  return NULL;
}

/* ---- All of it. */

adze_error *
adze_metrics_add (adze_metrics *m, const adze_view *output, const adze_view *wanted)
{
  ADZE_TRY (check_plain (output, "what a network gives"));
  ADZE_TRY (check_plain (wanted, "what it should have given"));
  if (m->kind == ADZE_METRICS_CLASSES) {
    ADZE_TRY (check_classes (m, output, wanted));
    ADZE_TRY (add_classes (m, output, wanted));
  } else
    ADZE_TRY (add_values (m, output, wanted));
  uint64_t batch = output->rank ? (uint64_t)output->shape[0] : 1;
  m->protocol.batches++;
  m->protocol.batch = batch > m->protocol.batch ? batch : m->protocol.batch;
  return NULL;
}

static double
macro_f1 (const adze_metrics *m)
{
  double sum = 0;
  uint32_t met = 0;
  for (uint32_t c = 0; c < m->protocol.classes; c++) {
    const tally *t = &m->tallies[c];
    if (t->labelled + t->guessed == 0)
      continue;
    sum += 2 * (double)t->right / (double)(t->labelled + t->guessed);
    met++;
  }
  return sum / met;
}

void
adze_metrics_result_of (const adze_metrics *m, adze_metrics_result *result)
{
  double count = (double)m->protocol.examples;
  *result = (adze_metrics_result){ .protocol = m->protocol, .accuracy = NAN, .top_k = NAN,
                                   .macro_f1 = NAN, .perplexity = NAN, .squares = NAN,
                                   .surprise = NAN };
  if (m->kind == ADZE_METRICS_VALUES && m->elements)
    result->squares = m->squares / (double)m->elements;
  if (m->kind == ADZE_METRICS_VALUES || m->protocol.examples == 0)
    return;
  result->accuracy = (double)m->right / count;
  result->top_k = (double)m->among / count;
  result->macro_f1 = macro_f1 (m);
  result->surprise = m->surprise / count;
  result->perplexity = exp (result->surprise);
}

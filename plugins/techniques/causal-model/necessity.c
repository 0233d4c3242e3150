/* SPDX-License-Identifier: Apache-2.0 */
/* necessity.c: how likely a cause was necessary for a result, is sufficient for it, or both. From what is seen, and what
 * happens when the cause is set and prevented, follow bounds (Tian and Pearl, "Probabilities of causation: bounds and
 * identification", 2000); and points where nobody has the result less for the cause. */
#include <math.h>

#include "model.h"

/* So far numbers of one table and of an experiment may contradict each other by being rounded. */
#define ROUNDED 1e-9

static double
clamp (double number)
{
  return number < 0 ? 0 : number > 1 ? 1 : number;
}

/* ---- What is seen. */

static void
count_seen (const scm *m, uint32_t cause, uint32_t cause_level, uint32_t result, uint32_t result_level, scm_necessity *n)
{
  const uint32_t *x = m->data.columns[m->nodes[cause].column].codes;
  const uint32_t *y = m->data.columns[m->nodes[result].column].codes;
  double cells[2][2] = { { 0 } }, all = 0;
  for (uint32_t row = 0; row < m->data.rows; row++) {
    const double weight = m->data.weights ? m->data.weights[row] : 1;
    cells[x[row] == cause_level][y[row] == result_level] += weight;
    all += weight;
  }
  n->both = cells[1][1] / all;
  n->cause_alone = cells[1][0] / all;
  n->result_alone = cells[0][1] / all;
  n->neither = cells[0][0] / all;
}

/* ---- What happens when the cause is set, and when it is prevented. */

static adze_status
by_experiment (const scm *m, scm_necessity *n)
{
  const adze_params_service *service = adze_params_of (m->host);
  const adze_params *list = service->get_nested (m->params, "experiment");
  n->done = service->get_float (list, service->name_at (list, 0));
  n->left = service->get_float (list, service->name_at (list, 1));
  n->source = "the parameter 'experiment'";
  n->experiment = true;
  return ADZE_OK;
}

static bool
has_hidden (const scm *m)
{
  for (uint32_t i = 0; i < m->count; i++)
    if (m->nodes[i].hidden)
      return true;
  return false;
}

static adze_status
by_model (scm *m, uint32_t cause, uint32_t cause_level, uint32_t result, uint32_t result_level, scm_necessity *n)
{
  adze_status status = scm_chance (m, cause, cause_level, result, result_level, &n->done);
  if (status == ADZE_OK)
    status = scm_chance (m, cause, 1 - cause_level, result, result_level, &n->left);
  n->source = "the model, by the graph and the table";
  n->experiment = true;
  return status;
}

/* Who has the cause has the result, or not, as if it had been set. */
static adze_status
check_agree (const scm *m, const scm_necessity *n)
{
  const bool done = n->done >= n->both - ROUNDED && n->done <= 1 - n->cause_alone + ROUNDED;
  const bool left = n->left >= n->result_alone - ROUNDED && n->left <= 1 - n->neither + ROUNDED;
  if (done && left)
    return ADZE_OK;
  return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                    "the result has the chance %.9g with the cause %s, and by the table it must lie between %.9g and %.9g: "
                    "the two are not of the same people",
                    done ? n->left : n->done, done ? "prevented" : "set", done ? n->result_alone : n->both,
                    done ? 1 - n->neither : 1 - n->cause_alone);
}

/* ---- Bounds. */

static double
larger (double a, double b, double c, double d)
{
  return fmax (fmax (a, b), fmax (c, d));
}

static double
smaller (double a, double b, double c, double d)
{
  return fmin (fmin (a, b), fmin (c, d));
}

/* NaN where nobody is there to be asked. */
static double
share (double part, double of)
{
  return of > 0 ? part / of : NAN;
}

static void
find_bounds (scm_necessity *n)
{
  const double result = n->both + n->result_alone, done = n->done, left = n->left;
  scm_bound *necessary = &n->bounds[0], *sufficient = &n->bounds[1], *two = &n->bounds[2];
  *necessary = (scm_bound){ "necessity", "of those with cause and result, how many would be without the result, had the "
                                         "cause been prevented", 0, 1, NAN };
  *sufficient = (scm_bound){ "sufficiency", "of those without cause and result, how many would have the result, had the "
                                            "cause been there", 0, 1, NAN };
  *two = (scm_bound){ "both", "of all, how many have the result with the cause, and not without it", 0,
                      n->both + n->neither, NAN };
  if (!n->experiment)
    return;
  two->low = larger (0, done - left, result - left, done - result);
  two->high = smaller (done, 1 - left, n->both + n->neither, done - left + n->cause_alone + n->result_alone);
  if (n->both > 0) {
    necessary->low = fmax (0, (result - left) / n->both);
    necessary->high = fmin (1, (1 - left - n->neither) / n->both);
  }
  if (n->neither > 0) {
    sufficient->low = fmax (0, (done - result) / n->neither);
    sufficient->high = fmin (1, (done - n->both) / n->neither);
  }
  n->monotone = done >= result - ROUNDED && result >= left - ROUNDED;
  if (!n->monotone)
    return;
  necessary->point = share (result - left, n->both);
  sufficient->point = share (done - result, n->neither);
  two->point = done - left;
}

static void
tidy (scm_necessity *n)
{
  for (int i = 0; i < 3; i++) {
    scm_bound *b = &n->bounds[i];
    b->low = clamp (b->low);
    b->high = fmax (b->low, clamp (b->high));
    b->point = isnan (b->point) ? b->point : clamp (b->point);
  }
}

adze_status
scm_find_necessity (scm *m, scm_necessity *n)
{
  uint32_t cause = 0, cause_level = 0, result = 0, result_level = 0;
  adze_status status
      = scm_read_level (m, "cause", adze_param_string (m->host, m->params, "cause"), &cause, &cause_level);
  if (status == ADZE_OK)
    status = scm_read_level (m, "result", adze_param_string (m->host, m->params, "result"), &result, &result_level);
  if (status != ADZE_OK)
    return status;
  const est_column *column = &m->data.columns[m->nodes[cause].column];
  if (cause == result || column->level_count != 2)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      cause == result ? "'%s' is cause and result at once"
                                      : "the cause '%s' must have two values in the table: it is there, or it is not",
                      m->nodes[cause].name);
  n->there = true;
  n->source = "nothing: a hidden cause, and no experiment";
  count_seen (m, cause, cause_level, result, result_level, n);
  if (scm_list_size (m, "experiment") > 0)
    status = by_experiment (m, n);
  else if (!has_hidden (m))
    status = by_model (m, cause, cause_level, result, result_level, n);
  if (status == ADZE_OK && n->experiment)
    status = check_agree (m, n);
  find_bounds (n);
  tidy (n);
  return status;
}

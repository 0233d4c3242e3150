/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: an effect out of a table, its interval, and what is tried to refute it. */
#include "estimate.h"

#include <math.h>

typedef struct tables {
  const est_run *r;
  est_data data;
  est_formula *formula; /* NULL: no estimand is bound */
  est_adjust adjust;
  est_plug plug;
  est_effect effect;
  bool plugged, opened;
  est_job job;
  double *values;
  est_rounds bootstrap;
  est_refuted refuted[3];
} tables;

/* ---- What goes in. */

/* Beside a treatment a formula has nothing to say, and what is bound may be a text that is none: the newest of its type. */
static adze_status
read_formula (tables *t)
{
  const void *bytes = NULL;
  size_t size = 0;
  if (*adze_param_string (t->r->host, t->r->params, "treatment")) {
    if (t->r->run->input (t->r->host, t->r->context, "estimand"))
      adze_log (t->r->host, ADZE_LOG_INFO,
                "its port 'estimand' plays no part: with 'treatment' what is adjusted for is told by 'adjust' or 'graph'");
    return ADZE_OK;
  }
  adze_status status = est_read_port (t->r, "estimand", &bytes, &size);
  if (status != ADZE_OK || !bytes)
    return status;
  t->formula = (est_formula *)t->r->host->allocate (t->r->host, sizeof *t->formula);
  if (!t->formula)
    return adze_fail (t->r->host, ADZE_E_MEMORY, "no room for a formula");
  return est_formula_read (t->r->host, (const char *)bytes, size, t->formula);
}

static adze_status
read_table (tables *t)
{
  const void *bytes = NULL;
  size_t size = 0;
  adze_status status = est_read_port (t->r, "table", &bytes, &size);
  if (status != ADZE_OK)
    return status;
  return est_data_open (t->r->host, bytes, size, adze_param_string (t->r->host, t->r->params, "weight"), &t->data);
}

static adze_status
open_method (tables *t, const char *method)
{
  const adze_host *host = t->r->host;
  const bool contrast = est_list_size (t->r, "contrast") == 2;
  const char *from = contrast ? est_list_at (t->r, "contrast", 0) : NULL;
  const char *to = contrast ? est_list_at (t->r, "contrast", 1) : NULL;
  t->job = (est_job){ .host = host, .data = &t->data };
  if (strcmp (method, "plug-in") == 0) {
    t->plugged = true;
    if (contrast && t->formula->treatment.count > 1)
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter 'contrast' is of one treatment, and the formula has several; leave it out");
    adze_status status = est_plug_open (host, t->formula, &t->data, from, to, &t->plug);
    t->job.own = &t->plug;
    t->job.estimate = est_plug_estimate;
    t->job.quantities = (uint32_t)t->plug.cells + 1;
    return status;
  }
  const est_way way = strcmp (method, "ols") == 0 ? EST_OLS : strcmp (method, "ipw") == 0 ? EST_IPW : EST_AIPW;
  adze_status status = est_adjust_find (t->r, t->formula, &t->adjust);
  if (status != ADZE_OK)
    return status;
  t->opened = true;
  status = est_effect_open (host, &t->data, way, t->adjust.treatment, t->adjust.outcome, t->adjust.names,
                            t->adjust.count, from, to, &t->effect);
  t->effect.clip = adze_param_float (host, t->r->params, "clip");
  t->job.own = &t->effect;
  t->job.estimate = est_effect_estimate;
  t->job.quantities = 1;
  return status;
}

/* ---- The estimate. */

static adze_status
estimate (tables *t)
{
  est_sample all;
  t->values = (double *)t->r->host->allocate (t->r->host, t->job.quantities * sizeof *t->values);
  if (!t->values)
    return adze_fail (t->r->host, ADZE_E_MEMORY, "no room for %u numbers", (unsigned)t->job.quantities);
  adze_status status = est_sample_all (&t->job, &all);
  if (status != ADZE_OK)
    return status;
  status = t->job.estimate (&t->job, &all, t->values, NULL);
  t->r->host->release (t->r->host, (void *)(uintptr_t)all.rows);
  return status;
}

/* ---- Refuters. */

/* What an estimate that means something does. DEVIATION: how far it moves by chance. */
static void
judge (est_refuted *refuted, est_draw how, double effect, double deviation)
{
  const est_spread *s = &refuted->spread;
  if (how == EST_PLACEBO) {
    refuted->holds = fabs (s->mean) <= 3 * s->deviation / sqrt (refuted->told) + 1e-12
                     || (s->low <= 0 && s->high >= 0);
    refuted->words = refuted->holds ? "with the treatment shuffled, nothing of the effect is left, as it should be"
                                    : "with the treatment shuffled, an effect is left: something is wrong";
    return;
  }
  /* Of rows that are the same, or most of them, an estimate should move less than it does by chance. */
  refuted->holds = fabs (s->mean - effect) <= 2 * deviation + 1e-12;
  if (how == EST_SUBSET && est_tell_too_few (refuted->asked, refuted->told)) {
    refuted->holds = false;
    refuted->words = "in more than one of twenty rounds four fifths of the rows cannot tell at all: the effect hangs on a "
                     "few rows";
    return;
  }
  if (how == EST_COMMON_CAUSE)
    refuted->words = refuted->holds ? "one more cause that has to do with nothing changes little, as it should be"
                                    : "one more cause that has to do with nothing changes the effect: something is wrong";
  else
    refuted->words = refuted->holds ? "four fifths of the rows tell the same, as they should"
                                    : "four fifths of the rows tell something else: the effect hangs on a few rows";
}

static adze_status
refute (tables *t, est_draw how, double deviation, est_refuted *refuted)
{
  const adze_host *host = t->r->host;
  est_rounds rounds;
  adze_status status
      = est_draw_rounds (&t->job, t->r->run, t->r->context, how,
                         (uint32_t)adze_param_int (host, t->r->params, "refutations"), &rounds);
  refuted->asked = rounds.asked;
  refuted->told = rounds.told;
  if (status == ADZE_OK && !est_spread_of (&t->job, &rounds, 0, 0.95, &refuted->spread))
    refuted->why = "no two rounds had what the estimate needs";
  else if (status == ADZE_OK && how != EST_SUBSET && est_tell_too_few (rounds.asked, rounds.told))
    refuted->why = "more than one of twenty rounds did not have what the estimate needs: nothing can be said by the others";
  else if (status == ADZE_OK)
    judge (refuted, how, t->values[0], deviation);
  est_rounds_close (host, &rounds);
  return status;
}

static adze_status
refute_all (tables *t)
{
  static const char *const names[] = { "placebo-treatment", "random-common-cause", "subset" };
  static const est_draw draws[] = { EST_PLACEBO, EST_COMMON_CAUSE, EST_SUBSET };
  est_spread spread = { .deviation = 0 };
  adze_status status = ADZE_OK;
  est_spread_of (&t->job, &t->bootstrap, 0, 0.95, &spread);
  for (int i = 0; status == ADZE_OK && i < 3; i++) {
    t->refuted[i].name = names[i];
    if (t->data.weights)
      t->refuted[i].why = "rows have weights, and are no sample that could be drawn from";
    else
      status = refute (t, draws[i], spread.deviation, &t->refuted[i]);
  }
  return status;
}

/* ---- The whole. */

static adze_status
tell (tables *t, const char *method)
{
  const bool plug = t->plugged;
  const est_result result = {
    .method = method,
    .question = plug ? "" : t->effect.unit,
    .adjust = plug ? NULL : &t->adjust,
    .plug = plug ? &t->plug : NULL,
    .job = &t->job,
    .values = t->values,
    .rounds = &t->bootstrap,
    .level = adze_param_float (t->r->host, t->r->params, "level"),
    .refuted = t->refuted,
    .refuted_count = 3,
    .rows = t->data.rows,
  };
  return est_tell_table (t->r, &result);
}

static adze_status
run_all (tables *t)
{
  const adze_host *host = t->r->host;
  const char *method = adze_param_string (host, t->r->params, "method");
  adze_status status = read_formula (t);
  if (status == ADZE_OK)
    status = read_table (t);
  if (status == ADZE_OK)
    status = open_method (t, method);
  if (status == ADZE_OK)
    status = estimate (t);
  if (status == ADZE_OK && !t->data.weights)
    status = est_draw_rounds (&t->job, t->r->run, t->r->context, EST_AGAIN,
                              (uint32_t)adze_param_int (host, t->r->params, "bootstrap"), &t->bootstrap);
  if (status == ADZE_OK)
    status = refute_all (t);
  return status == ADZE_OK ? tell (t, method) : status;
}

adze_status
est_run_table (const est_run *r)
{
  tables *t = (tables *)r->host->allocate (r->host, sizeof *t);
  if (!t)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for an estimate");
  t->r = r;
  t->data.host = r->host;
  adze_status status = run_all (t);
  est_rounds_close (r->host, &t->bootstrap);
  if (t->values)
    r->host->release (r->host, t->values);
  if (t->plugged)
    est_plug_close (&t->plug);
  if (t->opened)
    est_effect_close (&t->effect);
  est_adjust_close (r, &t->adjust);
  if (t->formula) {
    est_formula_close (r->host, t->formula);
    r->host->release (r->host, t->formula);
  }
  est_data_close (&t->data);
  r->host->release (r->host, t);
  return status;
}

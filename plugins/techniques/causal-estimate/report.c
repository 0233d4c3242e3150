/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: an effect with its interval, what was adjusted for, and what refuters said. */
#include "estimate.h"

/* ---- Distributions. */

static adze_status
add_number (const est_run *r, adze_bytes *csv, double number)
{
  char text[40];
  snprintf (text, sizeof text, "%.17g", number);
  return adze_table_cell_write (r->host, csv, text, false);
}

static adze_status
add_head (const est_run *r, adze_bytes *csv, const est_labels *labels, bool interval)
{
  static const char *const more[] = { "probability", "lower", "upper" };
  adze_status status = ADZE_OK;
  for (uint32_t c = 0; status == ADZE_OK && c < labels->count; c++)
    status = adze_table_cell_write (r->host, csv, labels->name (labels->argument, c), c == 0);
  for (int i = 0; status == ADZE_OK && i < (interval ? 3 : 1); i++)
    status = adze_table_cell_write (r->host, csv, more[i], false);
  return status == ADZE_OK ? adze_bytes_add (r->host, csv, "\n", 1) : status;
}

adze_status
est_give_distribution (const est_run *r, const est_labels *labels, const double *cells, size_t count,
                       const double *lows, const double *highs)
{
  adze_bytes csv = { 0 };
  adze_status status = add_head (r, &csv, labels, lows != NULL);
  for (size_t cell = 0; status == ADZE_OK && cell < count; cell++) {
    for (uint32_t c = 0; status == ADZE_OK && c < labels->count; c++)
      status = adze_table_cell_write (r->host, &csv, labels->text (labels->argument, cell, c), c == 0);
    if (status == ADZE_OK)
      status = add_number (r, &csv, cells[cell]);
    if (status == ADZE_OK && lows)
      status = add_number (r, &csv, lows[cell]);
    if (status == ADZE_OK && lows)
      status = add_number (r, &csv, highs[cell]);
    if (status == ADZE_OK)
      status = adze_bytes_add (r->host, &csv, "\n", 1);
  }
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "distribution", csv.data, csv.size);
  adze_bytes_release (r->host, &csv);
  return status;
}

static const est_column *
column_of (const est_plug *plug, uint32_t place)
{
  return &plug->data->columns[plug->columns[est_plug_variable (plug, place)]];
}

static const char *
plug_name (const void *argument, uint32_t column)
{
  return column_of ((const est_plug *)argument, column)->name;
}

static const char *
plug_text (const void *argument, size_t cell, uint32_t column)
{
  const est_plug *plug = (const est_plug *)argument;
  uint32_t values[EST_VARIABLES];
  est_plug_cell (plug, cell, values);
  return column_of (plug, column)->levels[values[column]].data;
}

static adze_status
give_plug (const est_run *r, const est_result *result)
{
  const est_plug *plug = result->plug;
  const est_labels labels = { est_plug_places (plug), plug_name, plug_text, plug };
  double *lows = (double *)r->host->allocate (r->host, 2 * (plug->cells + 1) * sizeof *lows);
  bool interval = lows != NULL;
  for (size_t cell = 0; interval && cell < plug->cells; cell++) {
    est_spread spread;
    interval = est_spread_of (result->job, result->rounds, (uint32_t)cell + 1, result->level, &spread);
    if (!interval)
      break;
    lows[cell] = spread.low;
    lows[plug->cells + cell] = spread.high;
  }
  adze_status status
      = lows ? est_give_distribution (r, &labels, result->values + 1, plug->cells, interval ? lows : NULL,
                                      interval ? lows + plug->cells : NULL)
             : adze_fail (r->host, ADZE_E_MEMORY, "no room for a distribution of %zu numbers", plug->cells);
  if (lows)
    r->host->release (r->host, lows);
  return status;
}

static adze_status
give_effect (const est_run *r, const est_result *result, const est_spread *spread)
{
  adze_bytes csv = { 0 };
  static const char head[] = "effect-of,effect,lower,upper\n";
  adze_status status = adze_bytes_add (r->host, &csv, head, spread ? sizeof head - 1 : strlen ("effect-of,effect"));
  if (status == ADZE_OK && !spread)
    status = adze_bytes_add (r->host, &csv, "\n", 1);
  if (status == ADZE_OK)
    status = adze_table_cell_write (r->host, &csv, result->question, true);
  if (status == ADZE_OK)
    status = add_number (r, &csv, result->values[0]);
  if (status == ADZE_OK && spread)
    status = add_number (r, &csv, spread->low);
  if (status == ADZE_OK && spread)
    status = add_number (r, &csv, spread->high);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &csv, "\n", 1);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "distribution", csv.data, csv.size);
  adze_bytes_release (r->host, &csv);
  return status;
}

/* ---- The effect in words. */

static const char *
words_of (const est_result *result, char words[400])
{
  const est_plug *p = result->plug;
  if (!p) {
    const char *outcome = result->adjust->outcome;
    snprintf (words, 400, "what %s does to %.*s, in the mean", result->question, est_cut (outcome, 150), outcome);
    return words;
  }
  const est_formula *f = p->formula;
  const est_column *x = column_of (p, 0), *y = column_of (p, est_plug_places (p) - 1);
  const char *first = f->treatment.count == 1 ? x->levels[p->from].data : "its first value";
  const char *last = f->treatment.count == 1 ? x->levels[p->to].data : "its last value";
  const char *others = f->treatment.count > 1 ? ", and all others set likewise" : "";
  const char *given = f->given.count > 0 ? ", among those with what is seen most of what is given" : "";
  if (f->outcome.count == 1 && y->numeric) {
    snprintf (words, 400, "the mean of %.*s with %.*s set to %.*s, less that with %.*s%s%s", est_cut (y->name, 60),
              y->name, est_cut (x->name, 60), x->name, est_cut (last, 40), last, est_cut (first, 40), first, others,
              given);
    return words;
  }
  const char *told = y->levels[y->level_count - 1].data;
  snprintf (words, 400, "the chance of %.*s = %.*s%s with %.*s set to %.*s, less that with %.*s%s%s",
            est_cut (y->name, 50), y->name, est_cut (told, 40), told,
            f->outcome.count > 1 ? " (all outcomes at their last values)" : "", est_cut (x->name, 50), x->name,
            est_cut (last, 40), last, est_cut (first, 40), first, others, given);
  return words;
}

/* ---- The report. */

static void
report_refuters (const est_run *r, adze_report *report, const est_result *result)
{
  const adze_host *host = r->host;
  adze_report_open (host, report, "refuters", "[");
  for (uint32_t i = 0; i < result->refuted_count; i++) {
    const est_refuted *f = &result->refuted[i];
    adze_report_open (host, report, NULL, "{");
    adze_report_text (host, report, "refuter", f->name);
    if (f->why)
      adze_report_text (host, report, "not-done", f->why);
    else {
      adze_report_number (host, report, "effect", f->spread.mean);
      adze_report_number (host, report, "deviation", f->spread.deviation);
      adze_report_count (host, report, "rounds", f->told);
      adze_report_count (host, report, "rounds-without-answer", f->asked - f->told);
      adze_report_bool (host, report, "holds", f->holds);
      adze_report_text (host, report, "in-words", f->words);
    }
    adze_report_close (host, report, "}");
  }
  adze_report_close (host, report, "]");
}

static void
report_adjust (const est_run *r, adze_report *report, const est_adjust *adjust)
{
  adze_report_text (r->host, report, "treatment", adjust->treatment);
  adze_report_text (r->host, report, "outcome", adjust->outcome);
  adze_report_open (r->host, report, "adjusted-for", "[");
  for (uint32_t i = 0; i < adjust->count; i++)
    adze_report_text (r->host, report, NULL, adjust->names[i]);
  adze_report_close (r->host, report, "]");
  adze_report_text (r->host, report, "why-enough", adjust->why);
}

static void
report_fixed (const est_run *r, adze_report *report, const est_plug *plug)
{
  const est_formula *f = plug->formula;
  adze_report_open (r->host, report, "treatment", "[");
  for (uint32_t i = 0; i < f->treatment.count; i++)
    adze_report_text (r->host, report, NULL, f->variables[f->treatment.items[i]].name);
  adze_report_close (r->host, report, "]");
  adze_report_open (r->host, report, "outcome", "[");
  for (uint32_t i = 0; i < f->outcome.count; i++)
    adze_report_text (r->host, report, NULL, f->variables[f->outcome.items[i]].name);
  adze_report_close (r->host, report, "]");
}

static adze_status
give_report (const est_run *r, const est_result *result, const est_spread *spread, const char *words)
{
  adze_report report = { .status = ADZE_OK };
  const adze_host *host = r->host;
  adze_report_open (host, &report, NULL, "{");
  adze_report_text (host, &report, "method", result->method);
  if (result->adjust)
    report_adjust (r, &report, result->adjust);
  else
    report_fixed (r, &report, result->plug);
  adze_report_count (host, &report, "rows", result->rows);
  adze_report_text (host, &report, "effect-of", words);
  adze_report_number (host, &report, "effect", result->values[0]);
  if (result->plug) {
    double worst;
    adze_report_bool (host, &report, "is-a-distribution",
                      est_plug_is_distribution (result->plug, result->values + 1, &worst));
  }
  if (spread) {
    adze_report_number (host, &report, "level", result->level);
    adze_report_number (host, &report, "lower", spread->low);
    adze_report_number (host, &report, "upper", spread->high);
    adze_report_number (host, &report, "deviation", spread->deviation);
    adze_report_count (host, &report, "bootstrap-rounds", result->rounds->told);
    adze_report_count (host, &report, "bootstrap-rounds-without-answer", result->rounds->asked - result->rounds->told);
  }
  report_refuters (r, &report, result);
  adze_report_close (host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (host, r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (host, &report.text);
  return status;
}

/* ---- Rows and metrics. */

static adze_status
tell_refuters (const est_run *r, const est_result *result)
{
  adze_status status = ADZE_OK;
  uint32_t failed = 0;
  for (uint32_t i = 0; status == ADZE_OK && i < result->refuted_count; i++) {
    const est_refuted *f = &result->refuted[i];
    const adze_field fields[] = {
      est_text_field ("refuter", f->name),
      est_text_field ("holds", f->why ? "not done" : f->holds ? "yes" : "no"),
      est_real_field ("effect-then", f->spread.mean),
      est_text_field ("in-words", f->why ? f->why : f->words),
    };
    failed += !f->why && !f->holds;
    if (!f->why && !f->holds)
      adze_log (r->host, ADZE_LOG_WARNING, "%s: %s", f->name, f->words);
    status = adze_row (r->host, "refuters", fields, sizeof fields / sizeof fields[0]);
  }
  return status == ADZE_OK ? adze_metric (r->host, "refuted", failed, NULL) : status;
}

static adze_status
tell_effect (const est_run *r, const est_result *result, const est_spread *spread, const char *words)
{
  const adze_field fields[] = {
    est_text_field ("method", result->method),
    est_text_field ("effect-of", words),
    est_real_field ("effect", result->values[0]),
    est_real_field ("lower", spread ? spread->low : 0),
    est_real_field ("upper", spread ? spread->high : 0),
  };
  adze_status status = adze_row (r->host, "effects", fields, spread ? 5 : 3);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "effect", result->values[0], NULL);
  if (status == ADZE_OK && spread)
    status = adze_metric (r->host, "lower", spread->low, NULL);
  if (status == ADZE_OK && spread)
    status = adze_metric (r->host, "upper", spread->high, NULL);
  return status == ADZE_OK ? tell_refuters (r, result) : status;
}

/* An interval out of the samples that could tell is that of better luck than there is. */
static void
warn_of_samples (const est_run *r, const est_result *result)
{
  const est_rounds *rounds = result->rounds;
  if (est_tell_too_few (rounds->asked, rounds->told))
    adze_log (r->host, ADZE_LOG_WARNING,
              "%u of %u samples of the bootstrap did not have what the estimate needs and are left out: the effect hangs "
              "on a few rows, and the interval is too narrow",
              (unsigned)(rounds->asked - rounds->told), (unsigned)rounds->asked);
}

/* Chances of all outcomes sum up to one, whatever the treatment; a formula out of a file need not be of that kind. */
static void
warn_of_sums (const est_run *r, const est_result *result)
{
  double worst = 1;
  if (!result->plug || est_plug_is_distribution (result->plug, result->values + 1, &worst))
    return;
  adze_log (r->host, ADZE_LOG_WARNING,
            "the formula gives no probabilities: those of all outcomes have the sum %.4g for some treatment, or one is "
            "above 1; look whether it is that of the effect",
            worst);
}

adze_status
est_tell_table (const est_run *r, const est_result *result)
{
  char words[400];
  est_spread spread;
  const bool has = est_spread_of (result->job, result->rounds, 0, result->level, &spread);
  const est_spread *interval = has ? &spread : NULL;
  words_of (result, words);
  warn_of_samples (r, result);
  warn_of_sums (r, result);
  adze_status status = tell_effect (r, result, interval, words);
  if (status == ADZE_OK)
    status = give_report (r, result, interval, words);
  if (status != ADZE_OK)
    return status;
  return result->plug ? give_plug (r, result) : give_effect (r, result, interval);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: equations, answers and bounds. */
#include <math.h>

#include "model.h"

static adze_field
text_field (const char *key, const char *text)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = text } };
}

static adze_field
real_field (const char *key, double number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = number } };
}

/* ---- The table. */

static adze_status
add_number (const scm *m, adze_bytes *csv, double number)
{
  char text[40] = "";
  if (!isnan (number))
    snprintf (text, sizeof text, "%.17g", number);
  /* The shortest one that reads as the same number. */
  for (int digits = 1; digits < 17 && !isnan (number); digits++) {
    char shorter[40];
    snprintf (shorter, sizeof shorter, "%.*g", digits, number);
    double again = 0;
    adze_text cell = { .data = shorter, .size = strlen (shorter) };
    if (adze_table_number (cell, &again) && again == number) {
      snprintf (text, sizeof text, "%s", shorter);
      break;
    }
  }
  return adze_table_cell_write (m->host, csv, text, false);
}

static adze_status
add_row (const scm *m, adze_bytes *csv, const char *first, const char *second, const double *numbers, int count)
{
  adze_status status = adze_table_cell_write (m->host, csv, first, true);
  if (status == ADZE_OK)
    status = adze_table_cell_write (m->host, csv, second, false);
  for (int i = 0; status == ADZE_OK && i < count; i++)
    status = add_number (m, csv, numbers[i]);
  return status == ADZE_OK ? adze_bytes_add (m->host, csv, "\n", 1) : status;
}

static adze_status
give_table (const scm *m, const scm_answers *answers, const scm_necessity *n)
{
  adze_bytes csv = { 0 };
  static const char head[] = "node,value,before,after\n", bounds[] = "cause-of,is,low,high,point\n";
  adze_status status = n->there ? adze_bytes_add (m->host, &csv, bounds, sizeof bounds - 1)
                                : adze_bytes_add (m->host, &csv, head, sizeof head - 1);
  for (size_t i = 0; status == ADZE_OK && !n->there && i < answers->count; i++) {
    const double numbers[] = { answers->items[i].before, answers->items[i].after };
    status = add_row (m, &csv, answers->items[i].node, answers->items[i].value, numbers, 2);
  }
  for (int i = 0; status == ADZE_OK && n->there && i < 3; i++) {
    const double numbers[] = { n->bounds[i].low, n->bounds[i].high, n->bounds[i].point };
    status = add_row (m, &csv, adze_param_string (m->host, m->params, "result"), n->bounds[i].name, numbers, 3);
  }
  if (status == ADZE_OK)
    status = m->run->give_bytes (m->host, m->context, "answer", csv.data, csv.size);
  adze_bytes_release (m->host, &csv);
  return status;
}

/* ---- The report. */

static void
report_factors (const scm *m, adze_report *report, const scm_node *node)
{
  double base = node->base;
  for (uint32_t k = 0; k < node->parent_count && m->powers == 1; k++)
    base -= node->factors[k][0] * node->middle[k] / node->scale[k];
  adze_report_number (m->host, report, "base", base);
  adze_report_open (m->host, report, "factors", "[");
  for (uint32_t k = 0; k < node->parent_count; k++) {
    adze_report_open (m->host, report, NULL, "{");
    adze_report_text (m->host, report, "of", m->nodes[node->parents[k]].name);
    if (m->powers == 1)
      adze_report_number (m->host, report, "factor", node->factors[k][0] / node->scale[k]);
    else {
      adze_report_number (m->host, report, "middle", node->middle[k]);
      adze_report_number (m->host, report, "scale", node->scale[k]);
      adze_report_open (m->host, report, "powers", "[");
      for (uint32_t p = 0; p < m->powers; p++)
        adze_report_number (m->host, report, NULL, node->factors[k][p]);
      adze_report_close (m->host, report, "]");
    }
    adze_report_close (m->host, report, "}");
  }
  adze_report_close (m->host, report, "]");
}

static void
report_equations (const scm *m, adze_report *report)
{
  adze_report_open (m->host, report, "equations", "[");
  for (uint32_t at = 0; at < m->count; at++) {
    const scm_node *node = &m->nodes[m->order[at]];
    if (!node->has_law)
      continue;
    adze_report_open (m->host, report, NULL, "{");
    adze_report_text (m->host, report, "node", node->name);
    report_factors (m, report, node);
    if (m->fitted)
      adze_report_number (m->host, report, "noise", node->deviation);
    adze_report_close (m->host, report, "}");
  }
  adze_report_close (m->host, report, "]");
}

static void
report_answers (const scm *m, adze_report *report, const scm_answers *answers)
{
  adze_report_text (m->host, report, "question", answers->kind);
  adze_report_text (m->host, report, "in-words", answers->words);
  adze_report_open (m->host, report, "answers", "[");
  for (size_t i = 0; i < answers->count; i++) {
    const scm_answer *a = &answers->items[i];
    adze_report_open (m->host, report, NULL, "{");
    adze_report_text (m->host, report, "node", a->node);
    if (m->discrete)
      adze_report_text (m->host, report, "value", a->value);
    if (!isnan (a->before))
      adze_report_number (m->host, report, "before", a->before);
    adze_report_number (m->host, report, "after", a->after);
    adze_report_close (m->host, report, "}");
  }
  adze_report_close (m->host, report, "]");
}

static void
report_necessity (const scm *m, adze_report *report, const scm_necessity *n)
{
  const adze_host *host = m->host;
  adze_report_text (host, report, "cause", adze_param_string (host, m->params, "cause"));
  adze_report_text (host, report, "result", adze_param_string (host, m->params, "result"));
  adze_report_text (host, report, "experiment-from", n->source);
  if (n->experiment) {
    adze_report_number (host, report, "result-with-cause-set", n->done);
    adze_report_number (host, report, "result-with-cause-prevented", n->left);
  }
  adze_report_text (host, report, "points",
                    n->monotone ? "hold if nobody has the result less for the cause: an assumption, which the numbers do "
                                  "not contradict and cannot confirm"
                    : n->experiment ? "there are none: the numbers say that some have the result less for the cause"
                                    : "there are none without an experiment");
  adze_report_open (host, report, "chances", "[");
  for (int i = 0; i < 3; i++) {
    adze_report_open (host, report, NULL, "{");
    adze_report_text (host, report, "of", n->bounds[i].name);
    adze_report_text (host, report, "in-words", n->bounds[i].words);
    adze_report_number (host, report, "low", n->bounds[i].low);
    adze_report_number (host, report, "high", n->bounds[i].high);
    if (!isnan (n->bounds[i].point))
      adze_report_number (host, report, "point", n->bounds[i].point);
    adze_report_close (host, report, "}");
  }
  adze_report_close (host, report, "]");
}

static adze_status
give_report (const scm *m, const scm_answers *answers, const scm_necessity *n)
{
  adze_report report = { .status = ADZE_OK };
  adze_report_open (m->host, &report, NULL, "{");
  if (!m->discrete)
    report_equations (m, &report);
  if (answers->count > 0)
    report_answers (m, &report, answers);
  if (n->there)
    report_necessity (m, &report, n);
  adze_report_close (m->host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = m->run->give_bytes (m->host, m->context, "report", report.text.data, report.text.size);
  adze_bytes_release (m->host, &report.text);
  return status;
}

/* ---- Rows and metrics. */

static adze_status
tell_answers (const scm *m, const scm_answers *answers)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < answers->count; i++) {
    const scm_answer *a = &answers->items[i];
    adze_field fields[4] = { text_field ("node", a->node), real_field ("after", a->after) };
    uint32_t count = 2;
    if (m->discrete)
      fields[count++] = text_field ("value", a->value);
    if (!isnan (a->before))
      fields[count++] = real_field ("before", a->before);
    status = adze_row (m->host, answers->kind, fields, count);
  }
  if (status == ADZE_OK && answers->count == 1)
    status = adze_metric (m->host, "answer", answers->items[0].after, NULL);
  return status;
}

static adze_status
tell_necessity (const scm *m, const scm_necessity *n)
{
  adze_status status = ADZE_OK;
  for (int i = 0; status == ADZE_OK && n->there && i < 3; i++) {
    const scm_bound *b = &n->bounds[i];
    const adze_field fields[] = { text_field ("chance-of", b->name), text_field ("in-words", b->words),
                                  real_field ("low", b->low), real_field ("high", b->high),
                                  real_field ("point-if-monotone", b->point) };
    char low[40], high[40];
    snprintf (low, sizeof low, "%s-low", b->name);
    snprintf (high, sizeof high, "%s-high", b->name);
    status = adze_row (m->host, "causation", fields, isnan (b->point) ? 4 : 5);
    if (status == ADZE_OK)
      status = adze_metric (m->host, low, b->low, NULL);
    if (status == ADZE_OK)
      status = adze_metric (m->host, high, b->high, NULL);
  }
  return status;
}

adze_status
scm_tell (const scm *m, const scm_answers *answers, const scm_necessity *necessity)
{
  adze_status status = tell_answers (m, answers);
  if (status == ADZE_OK)
    status = tell_necessity (m, necessity);
  if (status == ADZE_OK)
    status = give_report (m, answers, necessity);
  return status == ADZE_OK ? give_table (m, answers, necessity) : status;
}

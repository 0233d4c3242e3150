/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: a row for each query and domain, a row for each decision, and what there was in all. */
#include "route.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct answer {
  adze_bytes scores, decisions;
  adze_scorer_domain *domains;
  size_t *won; /* by domain */
  size_t fallbacks, urgent;
} answer;

/* ---- Cells. */

/* A comma, and a number of [-1, 1] in millionths; there are millions of them. */
static adze_status
add_share (const route_run *r, adze_bytes *csv, double number)
{
  char text[10] = ",-0.000000";
  const long millionths = labs (lround (number * 1e6));
  const size_t skip = number < 0 && millionths > 0 ? 0 : 1; /* of the sign */
  long rest = millionths;
  text[2] = (char)('0' + millionths / 1000000);
  for (int i = 9; i > 3; i--, rest /= 10)
    text[i] = (char)('0' + rest % 10);
  text[skip] = skip ? ',' : text[skip];
  return adze_bytes_add (r->host, csv, text + skip, sizeof text - skip);
}

static adze_status
add_count (const route_run *r, adze_bytes *csv, size_t number)
{
  char text[24];
  size_t at = sizeof text;
  do
    text[--at] = (char)('0' + number % 10);
  while (number /= 10);
  return adze_bytes_add (r->host, csv, text + at, sizeof text - at);
}

static adze_status
add_cell (const route_run *r, adze_bytes *csv, const char *text)
{
  return adze_table_cell_write (r->host, csv, text, false);
}

static adze_status
add_words (const route_run *r, adze_bytes *csv, const char *text)
{
  return adze_bytes_add (r->host, csv, text, strlen (text));
}

/* ---- Rows. */

static adze_status
add_scores (const route_run *r, answer *a, size_t query, const route_decision *d)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->domain_count; i++) {
    status = add_count (r, &a->scores, query + 1);
    if (status == ADZE_OK)
      status = add_cell (r, &a->scores, a->domains[i].name);
    for (int t = 0; status == ADZE_OK && t < ADZE_TERMS; t++)
      status = add_share (r, &a->scores, a->domains[i].terms[t]);
    if (status == ADZE_OK)
      status = add_share (r, &a->scores, d->scores[i]);
    if (status == ADZE_OK)
      status = add_words (r, &a->scores, "\n");
  }
  return status;
}

/* Of the winner to the best of the others: below 0 where the fallback answers in the place of a better one. */
static adze_status
add_margin (const route_run *r, answer *a, const route_decision *d)
{
  const size_t other = d->winner == d->best ? d->second : d->best;
  return other == SIZE_MAX ? add_words (r, &a->decisions, ",")
                           : add_share (r, &a->decisions, d->scores[d->winner] - d->scores[other]);
}

static adze_status
add_mood (const route_run *r, answer *a, const route_decision *d)
{
  const double strongest = d->emotion == ADZE_EMOTIONS ? 0 : d->query.emotions[d->emotion];
  adze_status status = add_cell (r, &a->decisions, adze_emotion_name (d->emotion));
  if (status == ADZE_OK)
    status = add_share (r, &a->decisions, strongest);
  if (status == ADZE_OK)
    status = add_share (r, &a->decisions, d->query.stability);
  if (status == ADZE_OK)
    status = add_share (r, &a->decisions, d->query.urgency);
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, route_tone (d->emotion));
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, route_empathy (d->empathy));
  return status == ADZE_OK ? add_share (r, &a->decisions, d->empathy) : status;
}

static adze_status
add_decision (const route_run *r, answer *a, size_t query, const route_decision *d)
{
  char words[1024];
  route_reason (r, a->domains, d, words);
  adze_status status = add_count (r, &a->decisions, query + 1);
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, d->query.conversation);
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, a->domains[d->winner].name);
  if (status == ADZE_OK)
    status = add_share (r, &a->decisions, d->scores[d->winner]);
  if (status == ADZE_OK)
    status = add_margin (r, a, d);
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, d->fell_back ? "yes" : "no");
  if (status == ADZE_OK)
    status = add_mood (r, a, d);
  if (status == ADZE_OK)
    status = add_cell (r, &a->decisions, words);
  return status == ADZE_OK ? add_words (r, &a->decisions, "\n") : status;
}

static adze_status
decide_all (const route_run *r, answer *a)
{
  enum { OFTEN = 1024 };
  route_decision d = { .scores = (double *)r->host->allocate (r->host, r->domain_count * sizeof *d.scores) };
  adze_status status = d.scores ? add_words (r, &a->scores, "query,domain,relevance,compatibility,speed,quality,score\n")
                                : adze_fail (r->host, ADZE_E_MEMORY, "no room for %zu scores", r->domain_count);
  if (status == ADZE_OK)
    status = add_words (r, &a->decisions, "query,conversation,winner,score,margin,fallback,emotion,intensity,stability,"
                                          "urgency,tone,empathy,empathy-level,reason\n");
  for (size_t i = 0; status == ADZE_OK && i < r->query_count; i++) {
    status = route_decide (r, i, a->domains, &d);
    if (status != ADZE_OK)
      break;
    a->won[d.winner]++;
    a->fallbacks += d.fell_back;
    a->urgent += d.query.urgency > 0;
    status = add_scores (r, a, i, &d);
    if (status == ADZE_OK)
      status = add_decision (r, a, i, &d);
    if (status == ADZE_OK && i % OFTEN == 0 && !r->run->progress (r->host, r->context, i, r->query_count))
      status = ADZE_E_CANCELLED;
  }
  r->host->release (r->host, d.scores);
  return status;
}

/* ---- In all. */

static adze_status
tell (const route_run *r, const answer *a)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < r->domain_count; i++) {
    const adze_field fields[] = {
      { .key = "domain", .type = ADZE_FIELD_STRING, .value.string = a->domains[i].name },
      { .key = "queries", .type = ADZE_FIELD_INT, .value.integer = (int64_t)a->won[i] },
    };
    status = adze_row (r->host, "winners", fields, 2);
  }
  if (status == ADZE_OK)
    status = adze_metric (r->host, "queries", (double)r->query_count, NULL);
  if (status == ADZE_OK)
    status = adze_metric (r->host, "repeated", (double)(r->query_count - r->fresh_count), NULL);
  return status == ADZE_OK ? adze_metric (r->host, "fallbacks", (double)a->fallbacks, NULL) : status;
}

static adze_status
give_report (const route_run *r, const answer *a)
{
  static const char *const terms[] = { "relevance", "compatibility", "speed", "quality" };
  adze_report report = { .status = ADZE_OK };
  const adze_host *host = r->host;
  adze_report_open (host, &report, NULL, "{");
  adze_report_count (host, &report, "queries", r->query_count);
  adze_report_count (host, &report, "repeated", r->query_count - r->fresh_count);
  adze_report_count (host, &report, "urgent", a->urgent);
  adze_report_count (host, &report, "fallbacks", a->fallbacks);
  adze_report_text (host, &report, "scorer", r->scorer ? adze_scorers_of (host)->id (r->scorer) : "its own");
  adze_report_open (host, &report, "weights", "{");
  for (int t = 0; t < ADZE_TERMS; t++)
    adze_report_number (host, &report, terms[t], r->settings.weights[t]);
  adze_report_close (host, &report, "}");
  adze_report_open (host, &report, "winners", "{");
  for (size_t i = 0; i < r->domain_count; i++)
    adze_report_count (host, &report, a->domains[i].name, a->won[i]);
  adze_report_close (host, &report, "}");
  adze_report_close (host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (host, r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (host, &report.text);
  return status;
}

adze_status
route_answer (route_run *r)
{
  answer a = { .domains = r->domains };
  a.won = (size_t *)r->host->allocate (r->host, r->domain_count * sizeof *a.won);
  adze_status status = a.won ? decide_all (r, &a) : adze_fail (r->host, ADZE_E_MEMORY, "no room for who wins");
  if (status == ADZE_OK)
    status = tell (r, &a);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "scores", a.scores.data, a.scores.size);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "decisions", a.decisions.data, a.decisions.size);
  if (status == ADZE_OK)
    status = give_report (r, &a);
  adze_bytes_release (r->host, &a.scores);
  adze_bytes_release (r->host, &a.decisions);
  r->host->release (r->host, a.won);
  return status;
}

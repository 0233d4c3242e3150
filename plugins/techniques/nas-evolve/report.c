/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: what a search has found, and what random search has found beside it. */
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "nas.h"

/* ---- A candidate in words. The text is released by the caller. */

static adze_status
words_of (const nas_run *n, const uint8_t genes[NAS_GENES], adze_bytes *words)
{
  adze_status status = n->name (n, genes, words);
  return status == ADZE_OK ? adze_bytes_add (n->host, words, "", 1) : status;
}

/* ---- The front as a table. */

static void
add (const nas_run *n, adze_report *text, const char *words)
{
  adze_report_add (n->host, text, words, strlen (words));
}

static void
add_cell (const nas_run *n, adze_report *csv, const char *words)
{
  add (n, csv, "\"");
  for (; *words; words++) {
    if (*words == '"')
      add (n, csv, "\"");
    adze_report_add (n->host, csv, words, 1);
  }
  add (n, csv, "\"");
}

static void
add_number (const nas_run *n, adze_report *csv, double number)
{
  char text[40];
  snprintf (text, sizeof text, ",%.17g", number);
  add (n, csv, text);
}

static adze_status
add_line (const nas_run *n, adze_report *csv, uint32_t number)
{
  const nas_point *point = &n->evolved.points[number];
  adze_bytes words = { 0 };
  adze_status status = words_of (n, point->genes, &words);
  if (status == ADZE_OK)
    add_cell (n, csv, words.data);
  adze_bytes_release (n->host, &words);
  add_number (n, csv, point->worth);
  for (uint32_t c = 0; c < n->settings.costs; c++)
    add_number (n, csv, point->costs[c]);
  add_number (n, csv, (double)number + 1);
  add (n, csv, "\n");
  return status == ADZE_OK ? csv->status : status;
}

static adze_status
give_front (nas_run *n)
{
  adze_report csv = { .status = ADZE_OK };
  add (n, &csv, "candidate,");
  add_cell (n, &csv, n->worth);
  for (uint32_t c = 0; c < n->settings.costs; c++) {
    add (n, &csv, ",");
    add_cell (n, &csv, n->costs[c]);
  }
  add (n, &csv, ",looked-at-as\n");
  adze_status status = csv.status;
  for (size_t i = 0; status == ADZE_OK && i < n->front_count; i++)
    status = add_line (n, &csv, n->front[i]);
  if (status == ADZE_OK)
    status = n->run->give_bytes (n->host, n->context, "front", csv.text.data, csv.text.size);
  adze_bytes_release (n->host, &csv.text);
  return status;
}

/* ---- The report. */

static adze_status
report_point (const nas_run *n, adze_report *r, const char *name, const nas_search *search, size_t number)
{
  const nas_point *point = &search->points[number];
  adze_bytes words = { 0 };
  adze_status status = words_of (n, point->genes, &words);
  adze_report_open (n->host, r, name, "{");
  if (status == ADZE_OK)
    adze_report_text (n->host, r, "candidate", words.data);
  adze_report_number (n->host, r, n->worth, point->worth);
  for (uint32_t c = 0; c < n->settings.costs; c++)
    adze_report_number (n->host, r, n->costs[c], point->costs[c]);
  adze_report_count (n->host, r, "looked-at-as", number + 1);
  adze_report_close (n->host, r, "}");
  adze_bytes_release (n->host, &words);
  return status;
}

/* When it became better, and how good it was then. */
static void
report_way (const nas_run *n, adze_report *r, const nas_search *search)
{
  bool any = false;
  double best = 0;
  adze_report_open (n->host, r, "way", "[");
  for (size_t i = 0; i < search->count; i++) {
    const nas_point *point = &search->points[i];
    if (point->stopped || (any && point->worth <= best))
      continue;
    best = point->worth;
    any = true;
    adze_report_open (n->host, r, NULL, "{");
    adze_report_count (n->host, r, "looked-at", i + 1);
    adze_report_number (n->host, r, n->worth, best);
    adze_report_close (n->host, r, "}");
  }
  adze_report_close (n->host, r, "]");
}

static uint64_t
count_stopped (const nas_search *search)
{
  uint64_t count = 0;
  for (size_t i = 0; i < search->count; i++)
    count += search->points[i].stopped;
  return count;
}

static adze_status
report_search (const nas_run *n, adze_report *r, const char *name, const nas_search *search,
               const uint32_t *front, size_t count)
{
  size_t best = nas_search_best (search);
  adze_status status = ADZE_OK;
  adze_report_open (n->host, r, name, "{");
  adze_report_count (n->host, r, "looked-at", search->count);
  adze_report_count (n->host, r, "given-up", count_stopped (search));
  if (best != SIZE_MAX)
    status = report_point (n, r, "best", search, best);
  report_way (n, r, search);
  adze_report_open (n->host, r, "front", "[");
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = report_point (n, r, NULL, search, front[i]);
  adze_report_close (n->host, r, "]");
  adze_report_close (n->host, r, "}");
  return status;
}

static adze_status
write_report (const nas_run *n, adze_report *r, void (*more) (const nas_run *n, adze_report *report))
{
  adze_report_open (n->host, r, NULL, "{");
  adze_report_text (n->host, r, "method", adze_param_string (n->host, n->params, "method"));
  adze_report_count (n->host, r, "budget", n->budget);
  adze_status status = report_search (n, r, "evolution", &n->evolved, n->front, n->front_count);
  if (status == ADZE_OK)
    status = report_search (n, r, "random", &n->drawn, n->drawn_front, n->drawn_count);
  if (more)
    more (n, r);
  adze_report_close (n->host, r, "}");
  return status == ADZE_OK ? r->status : status;
}

static adze_status
give_report (nas_run *n, void (*more) (const nas_run *n, adze_report *report))
{
  adze_report r = { .status = ADZE_OK };
  adze_status status = write_report (n, &r, more);
  if (status == ADZE_OK)
    status = n->run->give_bytes (n->host, n->context, "report", r.text.data, r.text.size);
  adze_bytes_release (n->host, &r.text);
  return status;
}

/* ---- Rows and metrics. */

static adze_field
real_field (const char *key, double value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
}

static adze_field
text_field (const char *key, const char *value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static adze_status
tell_point (const nas_run *n, uint32_t number)
{
  const nas_point *point = &n->evolved.points[number];
  adze_field fields[2 + NAS_COSTS];
  adze_bytes words = { 0 };
  uint32_t count = 0;
  adze_status status = words_of (n, point->genes, &words);
  if (status == ADZE_OK) {
    fields[count++] = text_field ("candidate", words.data);
    fields[count++] = real_field (n->worth, point->worth);
    for (uint32_t c = 0; c < n->settings.costs; c++)
      fields[count++] = real_field (n->costs[c], point->costs[c]);
    status = adze_row (n->host, "front", fields, count);
  }
  adze_bytes_release (n->host, &words);
  return status;
}

/* Both in one table, so that nobody sees the one without the other. */
static adze_status
tell_search (const nas_run *n, const char *name, const nas_search *search, size_t front, double covers)
{
  size_t best = nas_search_best (search);
  const adze_field fields[] = {
    text_field ("search", name),
    { .key = "looked-at", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)search->count } },
    { .key = "given-up", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)count_stopped (search) } },
    real_field ("best", best == SIZE_MAX ? 0 : search->points[best].worth),
    { .key = "front", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)front } },
    real_field ("covers-of-the-other", covers),
  };
  return adze_row (n->host, "searches", fields, best == SIZE_MAX ? 3 : sizeof fields / sizeof fields[0]);
}

static adze_status
tell_metrics (const nas_run *n, double covers, double covered)
{
  size_t best = nas_search_best (&n->evolved), drawn = nas_search_best (&n->drawn);
  const struct {
    const char *name;
    double value;
    bool there;
  } metrics[] = {
    { "best", n->evolved.points[best].worth, true },
    { "random-best", drawn == SIZE_MAX ? 0 : n->drawn.points[drawn].worth, drawn != SIZE_MAX },
    { "looked-at", (double)n->evolved.count, true },
    { "random-looked-at", (double)n->drawn.count, true },
    { "given-up", (double)count_stopped (&n->evolved), true },
    { "front", (double)n->front_count, true },
    { "covers", covers, true },
    { "covered", covered, true },
    { "diversity", nas_search_diversity (&n->evolved), true },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    if (metrics[i].there)
      status = adze_metric (n->host, metrics[i].name, metrics[i].value, NULL);
  return status;
}

/* Luck is cheap: who spends more than that should know what it was good for. */
static void
tell_luck (const nas_run *n)
{
  size_t best = nas_search_best (&n->evolved), drawn = nas_search_best (&n->drawn);
  if (drawn == SIZE_MAX)
    return;
  double found = n->evolved.points[best].worth, by_luck = n->drawn.points[drawn].worth;
  if (by_luck > found)
    adze_log (n->host, ADZE_LOG_WARNING,
              "random search has found better: %s %.6g, and evolution %.6g, with as many candidates", n->worth,
              by_luck, found);
  else
    adze_log (n->host, ADZE_LOG_INFO, "%s: evolution %.6g, random search with as many candidates %.6g", n->worth,
              found, by_luck);
}

adze_status
nas_tell (nas_run *n, void (*more) (const nas_run *n, adze_report *report))
{
  uint32_t costs = n->settings.costs;
  double covers = nas_covered (n->evolved.points, n->front, n->front_count, n->drawn.points, n->drawn_front,
                               n->drawn_count, costs);
  double covered = nas_covered (n->drawn.points, n->drawn_front, n->drawn_count, n->evolved.points, n->front,
                                n->front_count, costs);
  tell_luck (n);
  adze_status status = tell_search (n, "evolution", &n->evolved, n->front_count, covers);
  if (status == ADZE_OK)
    status = tell_search (n, "random", &n->drawn, n->drawn_count, covered);
  for (size_t i = 0; status == ADZE_OK && i < n->front_count; i++)
    status = tell_point (n, n->front[i]);
  if (status == ADZE_OK)
    status = tell_metrics (n, covers, covered);
  if (status == ADZE_OK)
    status = give_front (n);
  return status == ADZE_OK ? give_report (n, more) : status;
}

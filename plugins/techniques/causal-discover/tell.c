/* SPDX-License-Identifier: Apache-2.0 */
/* tell.c: the graph, its edges as a table, numbers, and words for whoever watches. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "discover.h"

/* Rows that people will look at. */
enum { ROWS = 1000 };

/* An edge: an arrow from its cause, a line from the name that comes first. */
typedef struct seen {
  uint32_t from, to;
  bool line;
} seen;

const char *
discover_why (pdag_why why)
{
  static const char *const words[]
      = { "", "knowledge", "collider", "no collider", "no circle", "Meek's rule 3", "Meek's rule 4", "search" };
  return words[why];
}

/* False: x and y, x < y, are not adjacent. */
static bool
look (const pdag *g, uint32_t x, uint32_t y, seen *edge)
{
  const bool back = pdag_arrow (g, y, x);
  *edge = (seen){ back ? y : x, back ? x : y, pdag_line (g, x, y) };
  return pdag_adjacent (g, x, y);
}

static pdag_why
why_of (const pdag *g, const seen *edge)
{
  return (pdag_why)g->why[(size_t)edge->from * g->count + edge->to];
}

const char *
discover_strength_name (const discover_settings *s)
{
  return s->method == DISCOVER_PC ? "p" : s->method == DISCOVER_GES ? "score" : "weight";
}

/* ---- The graph. */

static bool
has_edges (const pdag *g, uint32_t node)
{
  for (uint32_t i = 0; i < g->count; i++)
    if (i != node && pdag_adjacent (g, node, i))
      return true;
  return false;
}

/* Of letters and digits, so that nobody takes it for anything else. */
static bool
is_plain (const char *name)
{
  for (const char *at = name; *at; at++)
    if (!strchr ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *at)
        || (*at == '-' && (at == name || at[-1] == '-' || at[1] == '\0')))
      return false;
  return true;
}

adze_status
discover_quote (const discover_run *r, const char *name, adze_bytes *text)
{
  const bool plain = is_plain (name);
  adze_status status = plain ? ADZE_OK : adze_bytes_add (r->host, text, "\"", 1);
  for (const char *at = name; status == ADZE_OK && *at; at++) {
    status = adze_bytes_add (r->host, text, at, 1);
    if (status == ADZE_OK && *at == '"')
      status = adze_bytes_add (r->host, text, at, 1);
  }
  if (status == ADZE_OK && !plain)
    status = adze_bytes_add (r->host, text, "\"", 1);
  return status == ADZE_OK ? adze_bytes_add (r->host, text, "", 1) : status;
}

static adze_status
write_line (const discover_run *r, adze_bytes *dag, const seen *e)
{
  adze_bytes from = { 0 }, to = { 0 };
  adze_status status = discover_quote (r, r->names[e->from], &from);
  if (status == ADZE_OK)
    status = discover_quote (r, r->names[e->to], &to);
  if (status == ADZE_OK)
    status = adze_dag_edge_write (r->host, dag, from.data, e->line ? ADZE_DAG_EITHER : ADZE_DAG_CAUSES, to.data);
  adze_bytes_release (r->host, &from);
  adze_bytes_release (r->host, &to);
  return status;
}

static adze_status
write_alone (const discover_run *r, adze_bytes *dag, uint32_t node)
{
  adze_bytes name = { 0 };
  adze_status status = discover_quote (r, r->names[node], &name);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, dag, name.data, name.size - 1);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, dag, "\n", 1);
  adze_bytes_release (r->host, &name);
  return status;
}

static adze_status
write_dag (const discover_run *r, adze_bytes *dag)
{
  const pdag *g = &r->found.graph;
  adze_status status = ADZE_OK;
  seen e;
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; status == ADZE_OK && y < r->count; y++)
      if (look (g, x, y, &e))
        status = write_line (r, dag, &e);
  for (uint32_t x = 0; status == ADZE_OK && x < r->count; x++)
    if (!has_edges (g, x))
      status = write_alone (r, dag, x);
  return status;
}

static adze_status
give_dag (discover_run *r)
{
  adze_bytes dag = { 0 };
  adze_dag *read = NULL;
  adze_status status = write_dag (r, &dag);
  if (status == ADZE_OK)
    status = adze_dag_of (r->host)->read (r->host, "what was found", dag.data, dag.size, &read);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "dag", dag.data, dag.size);
  adze_dag_of (r->host)->close (r->host, read);
  adze_bytes_release (r->host, &dag);
  return status;
}

/* ---- Edges as a table. */

/* What was not tested, since it must be, is an empty cell. */
static adze_status
write_number (const discover_run *r, adze_bytes *csv, double number)
{
  char text[40] = "";
  if (!isnan (number))
    snprintf (text, sizeof text, "%.17g", number);
  return adze_table_cell_write (r->host, csv, text, false);
}

static adze_status
write_shares (const discover_run *r, adze_bytes *csv, const seen *e)
{
  adze_status status = write_number (r, csv, discover_share (r, e->from, e->to, e->line));
  return status == ADZE_OK ? write_number (r, csv, discover_any_share (r, e->from, e->to)) : status;
}

static adze_status
write_edge (const discover_run *r, adze_bytes *csv, const seen *e)
{
  adze_status status = adze_table_cell_write (r->host, csv, r->names[e->from], true);
  if (status == ADZE_OK)
    status = adze_table_cell_write (r->host, csv, e->line ? "---" : "-->", false);
  if (status == ADZE_OK)
    status = adze_table_cell_write (r->host, csv, r->names[e->to], false);
  if (status == ADZE_OK && r->counted)
    status = write_shares (r, csv, e);
  if (status == ADZE_OK)
    status = write_number (r, csv, r->found.strength[discover_pair_at (r->count, e->from, e->to)]);
  if (status == ADZE_OK)
    status = adze_table_cell_write (r->host, csv, discover_why (why_of (&r->found.graph, e)), false);
  return status == ADZE_OK ? adze_bytes_add (r->host, csv, "\n", 1) : status;
}

static adze_status
give_edges (discover_run *r)
{
  adze_bytes csv = { 0 };
  char head[80];
  seen e;
  int size = snprintf (head, sizeof head, "from,mark,to,%s%s,why\n", r->counted ? "confidence,adjacent," : "",
                       discover_strength_name (&r->settings));
  adze_status status = adze_bytes_add (r->host, &csv, head, (size_t)size);
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; status == ADZE_OK && y < r->count; y++)
      if (look (&r->found.graph, x, y, &e))
        status = write_edge (r, &csv, &e);
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "edges", csv.data, csv.size);
  adze_bytes_release (r->host, &csv);
  return status;
}

/* ---- Rows. */

static adze_field
text_field (const char *key, const char *value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static adze_field
real_field (const char *key, double value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
}

static adze_status
tell_edge (const discover_run *r, const seen *e)
{
  const double strength = r->found.strength[discover_pair_at (r->count, e->from, e->to)];
  adze_field fields[6];
  uint32_t count = 0;
  fields[count++] = text_field ("from", r->names[e->from]);
  fields[count++] = text_field ("mark", e->line ? "---" : "-->");
  fields[count++] = text_field ("to", r->names[e->to]);
  fields[count++] = text_field ("why", discover_why (why_of (&r->found.graph, e)));
  if (r->counted)
    fields[count++] = real_field ("confidence", discover_share (r, e->from, e->to, e->line));
  if (!isnan (strength))
    fields[count++] = real_field (discover_strength_name (&r->settings), strength);
  return adze_row (r->host, "edges", fields, count);
}

/* ---- Numbers and words. */

static adze_status
tell_metrics (discover_run *r, const size_t arrows, const size_t lines, double confidence)
{
  const discover_found *f = &r->found;
  size_t distance = 0;
  bool compared = false;
  adze_status status = discover_compare (r, &compared, &distance);
  const bool is_pc = r->settings.method == DISCOVER_PC;
  const struct {
    const char *name;
    double value;
    bool there;
  } metrics[] = {
    { "variables", r->count, true },
    { "rows", (double)r->data.rows, r->data.rows > 0 },
    { "rows-left-out", (double)r->data.dropped, r->settings.drop_row },
    { "edges", (double)(arrows + lines), true },
    { "arrows", (double)arrows, true },
    { "lines", (double)lines, true },
    { "tests", (double)f->tests, is_pc },
    { "depth", f->depth, is_pc },
    { "contradicted", (double)f->conflict_count, is_pc },
    { "undecided", (double)f->doubt_count, is_pc },
    { "score", f->score, r->settings.method == DISCOVER_GES },
    { "circle", f->circle, r->settings.method == DISCOVER_NOTEARS },
    { "confidence", confidence, r->counted && arrows + lines > 0 },
    { "distance", (double)distance, compared },
  };
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    if (metrics[i].there)
      status = adze_metric (r->host, metrics[i].name, metrics[i].value, NULL);
  return status;
}

static void
tell_words (const discover_run *r, size_t arrows, size_t lines)
{
  const discover_found *f = &r->found;
  const discover_settings *s = &r->settings;
  adze_log (r->host, ADZE_LOG_INFO, "%u variables: %zu edges, of which %zu have a direction", r->count, arrows + lines,
            arrows);
  if (f->conflict_count > 0)
    adze_log (r->host, ADZE_LOG_WARNING,
              "%zu colliders contradict surer ones, or what is known, and are left: the first is '%s --> %s <-- %s'",
              f->conflict_count, r->names[f->conflicts[0].triple.x], r->names[f->conflicts[0].triple.z],
              r->names[f->conflicts[0].triple.y]);
  for (size_t i = 0; i < f->left_out_count && i < 10; i++)
    adze_log (r->host, ADZE_LOG_WARNING,
              "'%s --> %s' is left out: it would close a circle, and it can%s lead the other way",
              r->names[f->left_out[i * 2]], r->names[f->left_out[i * 2 + 1]],
              s->method == DISCOVER_NOTEARS ? " hardly" : "not");
  if (s->method == DISCOVER_NOTEARS && f->circle > s->tolerance)
    adze_log (r->host, ADZE_LOG_WARNING,
              "circles are not gone after %u rounds: %.3g is left, and at most %.3g was asked for; allow more 'rounds', or "
              "say standardise = true",
              s->rounds, f->circle, s->tolerance);
}

static adze_status
tell_edges (discover_run *r)
{
  const pdag *g = &r->found.graph;
  size_t arrows = 0, lines = 0;
  double confidence = 0;
  adze_status status = ADZE_OK;
  seen e;
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; status == ADZE_OK && y < r->count; y++)
      if (look (g, x, y, &e)) {
        arrows += !e.line;
        lines += e.line;
        confidence += r->counted ? discover_share (r, e.from, e.to, e.line) : 0;
        if (arrows + lines <= ROWS)
          status = tell_edge (r, &e);
      }
  tell_words (r, arrows, lines);
  return status == ADZE_OK ? tell_metrics (r, arrows, lines, confidence / (double)(arrows + lines)) : status;
}

adze_status
discover_tell (discover_run *r)
{
  adze_status status = tell_edges (r);
  if (status == ADZE_OK)
    status = give_dag (r);
  if (status == ADZE_OK)
    status = give_edges (r);
  return status == ADZE_OK ? discover_give_report (r) : status;
}

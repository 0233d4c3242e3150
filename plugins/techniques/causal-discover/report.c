/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: what was found and why, as JSON: edges with their reasons, what separates the others, colliders, and what
 * contradicted them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "discover.h"

/* Pairs that are listed; how many there are is said. */
enum { LISTED = 10000, WORDS = 1024 };

/* ---- An edge. */

static const discover_conflict *
collider_of (const discover_found *f, uint32_t from, uint32_t to)
{
  for (size_t i = 0; i < f->collider_count; i++)
    if (f->colliders[i].triple.z == to && (f->colliders[i].triple.x == from || f->colliders[i].triple.y == from))
      return &f->colliders[i];
  return NULL;
}

static void
say_why (const discover_run *r, uint32_t from, uint32_t to, pdag_why why, char words[WORDS])
{
  const discover_conflict *c = collider_of (&r->found, from, to);
  if (why == PDAG_BY_KNOWLEDGE)
    snprintf (words, WORDS, "it may lead this way alone: 'required', 'forbidden' or 'tiers' say so");
  else if (why == PDAG_BY_COLLIDER && c)
    snprintf (words, WORDS, "what separates '%s' and '%s' does not hold '%s' fixed, so that it is an effect of both",
              r->names[c->triple.x], r->names[c->triple.y], r->names[to]);
  else if (why == PDAG_BY_COLLIDER)
    snprintf (words, WORDS, "all graphs with this score have an arrow here: '%s' is an effect of several that are not "
              "adjacent", r->names[to]);
  else if (why == PDAG_BY_RULE_1)
    snprintf (words, WORDS, "else '%s' would be an effect of two that are not adjacent, which it is not",
              r->names[from]);
  else if (why == PDAG_BY_RULE_2)
    snprintf (words, WORDS, "else causes would lead in a circle");
  else if (why == PDAG_BY_RULE_3 || why == PDAG_BY_RULE_4)
    snprintf (words, WORDS, "else there would be a circle or another effect of two that are not adjacent");
  else if (why == PDAG_BY_SCORE)
    snprintf (words, WORDS, "the search has given it a weight in this direction");
  else
    snprintf (words, WORDS, "nothing tells which of the two is the cause");
}

static void
report_edge (const discover_run *r, adze_report *report, uint32_t x, uint32_t y)
{
  const adze_host *host = r->host;
  const pdag *g = &r->found.graph;
  const bool back = pdag_arrow (g, y, x), line = pdag_line (g, x, y);
  const uint32_t from = back ? y : x, to = back ? x : y;
  const pdag_why why = line ? PDAG_BY_NOTHING : (pdag_why)g->why[(size_t)from * g->count + to];
  const double strength = r->found.strength[discover_pair_at (r->count, x, y)];
  char words[WORDS];
  say_why (r, from, to, why, words);
  adze_report_open (host, report, NULL, "{");
  adze_report_text (host, report, "from", r->names[from]);
  adze_report_text (host, report, "mark", line ? "---" : "-->");
  adze_report_text (host, report, "to", r->names[to]);
  if (!isnan (strength))
    adze_report_number (host, report, discover_strength_name (&r->settings), strength);
  if (r->counted) {
    adze_report_number (host, report, "as-found", discover_share (r, from, to, line));
    adze_report_number (host, report, "forward", discover_share (r, from, to, false));
    adze_report_number (host, report, "backward", discover_share (r, to, from, false));
    adze_report_number (host, report, "either", discover_share (r, from, to, true));
  }
  adze_report_text (host, report, "because", words);
  adze_report_close (host, report, "}");
}

static void
report_edges (const discover_run *r, adze_report *report)
{
  adze_report_open (r->host, report, "edges", "[");
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; y < r->count; y++)
      if (pdag_adjacent (&r->found.graph, x, y))
        report_edge (r, report, x, y);
  adze_report_close (r->host, report, "]");
}

/* ---- What is not adjacent. */

static void
report_separated (const discover_run *r, adze_report *report)
{
  size_t count = 0;
  adze_report_open (r->host, report, "separated", "[");
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; y < r->count; y++) {
      const discover_pair *pair = &r->found.pairs[discover_pair_at (r->count, x, y)];
      if (pair->sets == 0 || count++ >= LISTED)
        continue;
      adze_report_open (r->host, report, NULL, "{");
      adze_report_text (r->host, report, "one", r->names[x]);
      adze_report_text (r->host, report, "other", r->names[y]);
      adze_report_number (r->host, report, "p", pair->p);
      adze_report_open (r->host, report, "given", "[");
      for (uint32_t i = 0; i < pair->size; i++)
        adze_report_text (r->host, report, NULL, r->names[pair->nodes[i]]);
      adze_report_close (r->host, report, "]");
      adze_report_count (r->host, report, "sets", pair->sets);
      adze_report_close (r->host, report, "}");
    }
  adze_report_close (r->host, report, "]");
  adze_report_count (r->host, report, "separated-in-all", count);
}

/* ---- Triples. */

static void
report_triples (const discover_run *r, adze_report *report, const char *name, const discover_conflict *triples,
                size_t count)
{
  adze_report_open (r->host, report, name, "[");
  for (size_t i = 0; i < count && i < LISTED; i++) {
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "one", r->names[triples[i].triple.x]);
    adze_report_text (r->host, report, "effect", r->names[triples[i].triple.z]);
    adze_report_text (r->host, report, "other", r->names[triples[i].triple.y]);
    adze_report_number (r->host, report, "p", triples[i].p);
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "]");
}

static void
report_doubts (const discover_run *r, adze_report *report)
{
  const discover_found *f = &r->found;
  adze_report_open (r->host, report, "undecided", "[");
  for (size_t i = 0; i < f->doubt_count && i < LISTED; i++) {
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "one", r->names[f->doubts[i].x]);
    adze_report_text (r->host, report, "between", r->names[f->doubts[i].z]);
    adze_report_text (r->host, report, "other", r->names[f->doubts[i].y]);
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "]");
}

static void
report_left_out (const discover_run *r, adze_report *report)
{
  const discover_found *f = &r->found;
  adze_report_open (r->host, report, "left-out", "[");
  for (size_t i = 0; i < f->left_out_count && i < LISTED; i++) {
    adze_report_open (r->host, report, NULL, "{");
    adze_report_text (r->host, report, "from", r->names[f->left_out[i * 2]]);
    adze_report_text (r->host, report, "to", r->names[f->left_out[i * 2 + 1]]);
    adze_report_text (r->host, report, "because", "it would close a circle");
    adze_report_close (r->host, report, "}");
  }
  adze_report_close (r->host, report, "]");
}

/* Pairs that are not adjacent here, and are in half of the tables that were drawn. */
static void
report_often (const discover_run *r, adze_report *report)
{
  adze_report_open (r->host, report, "often-found-elsewhere", "[");
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; y < r->count; y++) {
      const double share = discover_any_share (r, x, y);
      if (pdag_adjacent (&r->found.graph, x, y) || share < 0.5)
        continue;
      adze_report_open (r->host, report, NULL, "{");
      adze_report_text (r->host, report, "one", r->names[x]);
      adze_report_text (r->host, report, "other", r->names[y]);
      adze_report_number (r->host, report, "adjacent", share);
      adze_report_close (r->host, report, "}");
    }
  adze_report_close (r->host, report, "]");
}

/* ---- All of it. */

static void
report_head (const discover_run *r, adze_report *report)
{
  const adze_host *host = r->host;
  const discover_settings *s = &r->settings;
  adze_report_text (host, report, "method", adze_param_string (host, r->params, "method"));
  if (s->method == DISCOVER_PC) {
    adze_report_text (host, report, "test", adze_param_string (host, r->params, "test"));
    if (s->test != DISCOVER_ORACLE)
      adze_report_number (host, report, "alpha", s->alpha);
    adze_report_count (host, report, "tests", r->found.tests);
    adze_report_count (host, report, "depth", r->found.depth);
  } else if (s->method == DISCOVER_GES) {
    adze_report_text (host, report, "score", adze_param_string (host, r->params, "score"));
    adze_report_number (host, report, "of-the-graph", r->found.score);
    adze_report_count (host, report, "steps", r->found.steps);
  } else {
    adze_report_number (host, report, "circle", r->found.circle);
    adze_report_count (host, report, "rounds", r->found.steps);
  }
  adze_report_open (host, report, "variables", "[");
  for (uint32_t i = 0; i < r->count; i++)
    adze_report_text (host, report, NULL, r->names[i]);
  adze_report_close (host, report, "]");
  if (r->data.rows == 0)
    return;
  adze_report_count (host, report, "rows", r->data.rows);
  adze_report_count (host, report, "rows-left-out", r->data.dropped);
}

adze_status
discover_give_report (discover_run *r)
{
  adze_report report = { .status = ADZE_OK };
  adze_report_open (r->host, &report, NULL, "{");
  report_head (r, &report);
  report_edges (r, &report);
  if (r->found.pairs) {
    report_separated (r, &report);
    report_triples (r, &report, "colliders", r->found.colliders, r->found.collider_count);
    report_triples (r, &report, "contradicted", r->found.conflicts, r->found.conflict_count);
    report_doubts (r, &report);
  }
  report_left_out (r, &report);
  if (r->counted)
    report_often (r, &report);
  adze_report_close (r->host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK)
    status = r->run->give_bytes (r->host, r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (r->host, &report.text);
  return status;
}

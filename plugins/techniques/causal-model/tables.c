/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c: discrete models. A node's noise is a number between 0 and 1, and its value that whose part of the stretch it
 * lies in, with values in their order: what would have been goes up with what was. No table can confirm that, and other
 * noises would give other counterfactuals; questions with nothing but 'do', or nothing but 'seen', do not depend on it. */
#include <math.h>

#include "model.h"

/* Numbers of a node's table, and steps of an answer, at most. */
enum { CELLS = 1 << 22 };
#define STEPS UINT64_C (200000000)

static uint32_t
levels_of (const scm *m, uint32_t node)
{
  return m->data.columns[m->nodes[node].column].level_count;
}

/* ---- Out of a table. */

static adze_status
count_node (scm *m, scm_node *node)
{
  const est_column *own = &m->data.columns[node->column];
  double rows = 1;
  for (uint32_t k = 0; k < node->parent_count; k++)
    rows *= levels_of (m, node->parents[k]);
  if (rows * own->level_count > CELLS)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "the table of '%s' would have %.3g numbers, and %d is the most; put columns into fewer bins",
                      node->name, rows * own->level_count, (int)CELLS);
  node->table = (double *)m->host->allocate (m->host, (size_t)rows * own->level_count * sizeof *node->table);
  if (!node->table)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for the table of '%s'", node->name);
  for (uint32_t row = 0; row < m->data.rows; row++) {
    size_t cell = 0;
    for (uint32_t k = 0; k < node->parent_count; k++)
      cell = cell * levels_of (m, node->parents[k]) + m->data.columns[m->nodes[node->parents[k]].column].codes[row];
    node->table[cell * own->level_count + own->codes[row]] += m->data.weights ? m->data.weights[row] : 1;
  }
  for (size_t r = 0; r < (size_t)rows; r++) {
    double *cells = node->table + r * own->level_count, sum = 0;
    for (uint32_t v = 0; v < own->level_count; v++)
      sum += cells[v];
    for (uint32_t v = 0; v < own->level_count; v++)
      cells[v] = sum > 0 ? cells[v] / sum : -1;
  }
  return ADZE_OK;
}

adze_status
scm_fit_tables (scm *m)
{
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < m->count; i++)
    status = est_data_need (&m->data, m->nodes[i].name, true, &m->nodes[i].column);
  for (uint32_t i = 0; status == ADZE_OK && i < m->count; i++) {
    if (!m->run->progress (m->host, m->context, i, m->count))
      return ADZE_E_CANCELLED;
    status = count_node (m, &m->nodes[i]);
  }
  m->fitted = true;
  return status;
}

/* ---- Two worlds at once: what was, as far as something is seen, and what would have been. */

typedef struct walk {
  scm *m;
  const uint8_t *set, *seen; /* of each node */
  const double *set_to, *seen_as;
  uint8_t *was, *would; /* nodes that one world or the other needs */
  uint8_t *changed;     /* something that is set leads to it */
  uint32_t *values, *others; /* in the one and the other */
  uint64_t steps;
  /* Each pair of worlds, with its chance, is told here. */
  void (*tell) (struct walk *w, double chance);
  void *argument;
} walk;

static const double *
row_of (const scm *m, uint32_t v, const uint32_t *values)
{
  const scm_node *node = &m->nodes[v];
  size_t row = 0;
  for (uint32_t k = 0; k < node->parent_count; k++)
    row = row * levels_of (m, node->parents[k]) + values[node->parents[k]];
  return node->table + row * levels_of (m, v);
}

static adze_status
lacks (const walk *w, uint32_t v, const uint32_t *values)
{
  const scm *m = w->m;
  char words[400] = "";
  for (uint32_t k = 0; k < m->nodes[v].parent_count; k++) {
    const uint32_t p = m->nodes[v].parents[k];
    const size_t used = strlen (words);
    const char *name = m->nodes[p].name, *level = m->data.columns[m->nodes[p].column].levels[values[p]].data;
    snprintf (words + used, sizeof words - used, "%s%.*s = %.*s", k ? ", " : "", est_cut (name, 60), name,
              est_cut (level, 60), level);
  }
  return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                    "the table has no row with %s, and the chances of '%s' there are needed; give more rows, or put "
                    "columns into fewer bins",
                    words, m->nodes[v].name);
}

/* How much of the stretch of VALUE in one row is that of OTHER in another one. */
static double
overlap (const double *row, uint32_t value, const double *other_row, uint32_t other)
{
  double low = 0, other_low = 0;
  for (uint32_t i = 0; i < value; i++)
    low += row[i];
  for (uint32_t i = 0; i < other; i++)
    other_low += other_row[i];
  return fmax (0, fmin (low + row[value], other_low + other_row[other]) - fmax (low, other_low));
}

static adze_status step (walk *w, uint32_t at, double chance);

static adze_status
try_other (walk *w, uint32_t at, uint32_t v, double chance, const double *row, const double *other_row)
{
  adze_status status = ADZE_OK;
  for (uint32_t b = 0; status == ADZE_OK && b < levels_of (w->m, v); b++) {
    const double part = row ? overlap (row, w->values[v], other_row, b) : other_row[b];
    w->others[v] = b;
    if (part > 0)
      status = step (w, at + 1, chance * part);
  }
  return status;
}

/* The value that V would have, where it had one that was seen or supposed (WAS). */
static adze_status
would_have (walk *w, uint32_t at, uint32_t v, double chance, const double *row)
{
  if (w->set[v]) {
    w->others[v] = (uint32_t)w->set_to[v];
    return step (w, at + 1, row ? chance * row[w->values[v]] : chance);
  }
  if (row && !w->changed[v]) {
    w->others[v] = w->values[v];
    return step (w, at + 1, chance * row[w->values[v]]);
  }
  const double *other_row = row_of (w->m, v, w->others);
  return other_row[0] < 0 ? lacks (w, v, w->others) : try_other (w, at, v, chance, row, other_row);
}

/* Every value of the node at place AT of the order, in both worlds. */
static adze_status
step (walk *w, uint32_t at, double chance)
{
  const scm *m = w->m;
  while (at < m->count && !w->was[m->order[at]] && !w->would[m->order[at]])
    at++;
  if (at == m->count) {
    w->tell (w, chance);
    return ADZE_OK;
  }
  if (++w->steps > STEPS)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "more than %llu combinations of values would have to be gone through; see more, ask for less, or "
                      "put columns into fewer bins",
                      (unsigned long long)STEPS);
  if ((w->steps & 0xffff) == 0 && !m->run->progress (m->host, m->context, w->steps, STEPS))
    return ADZE_E_CANCELLED;
  const uint32_t v = m->order[at];
  if (!w->was[v])
    return would_have (w, at, v, chance, NULL);
  const double *row = row_of (m, v, w->values);
  if (row[0] < 0)
    return lacks (w, v, w->values);
  adze_status status = ADZE_OK;
  for (uint32_t a = 0; status == ADZE_OK && a < levels_of (m, v); a++) {
    w->values[v] = a;
    if (row[a] <= 0 || (w->seen[v] && a != (uint32_t)w->seen_as[v]))
      continue;
    status = w->would[v] ? would_have (w, at, v, chance, row) : step (w, at + 1, chance * row[a]);
  }
  return status;
}

/* What of the graph matters. A node in both worlds has one noise in both. */
static adze_status
walk_all (walk *w, const uint8_t *asked)
{
  scm *m = w->m;
  const adze_host *host = m->host;
  w->was = (uint8_t *)host->allocate (host, 3 * (size_t)m->count);
  w->values = (uint32_t *)host->allocate (host, 2 * (size_t)m->count * sizeof *w->values);
  adze_status status = w->was && w->values ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for a model");
  if (status == ADZE_OK) {
    w->would = w->was + m->count;
    w->changed = w->would + m->count;
    w->others = w->values + m->count;
    memcpy (w->was, w->seen, m->count);
    scm_ancestors (m, NULL, w->was);
    memcpy (w->would, asked, m->count);
    scm_ancestors (m, w->set, w->would);
    for (uint32_t at = 0; at < m->count; at++) {
      const uint32_t v = m->order[at];
      w->changed[v] = w->set[v];
      for (uint32_t k = 0; k < m->nodes[v].parent_count; k++)
        w->changed[v] = w->changed[v] || w->changed[m->nodes[v].parents[k]];
    }
    status = step (w, 0, 1);
  }
  if (w->was)
    host->release (host, w->was);
  if (w->values)
    host->release (host, w->values);
  return status;
}

static adze_status
refuse_hidden (const scm *m)
{
  for (uint32_t i = 0; i < m->count; i++)
    if (m->nodes[i].hidden)
      return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                        "its port 'graph': '%s' shares a hidden cause, and what setting something does cannot be told from "
                        "tables of chances then; causal-identify says what can be",
                        m->nodes[i].name);
  return ADZE_OK;
}

/* ---- Answers: the chance of each value of each node that is asked. */

typedef struct totals {
  double *chances; /* by node, from .first on */
  size_t *first;
  double all;
} totals;

static void
add_up (walk *w, double chance)
{
  totals *t = (totals *)w->argument;
  t->all += chance;
  for (uint32_t v = 0; v < w->m->count; v++)
    if (w->m->asked[v])
      t->chances[t->first[v] + w->others[v]] += chance;
}

static adze_status
sum_up (scm *m, const uint8_t *set, size_t cells, totals *t)
{
  walk w = { .m = m, .set = set, .seen = m->seen, .set_to = m->set_to, .seen_as = m->seen_as, .tell = add_up,
             .argument = t };
  t->chances = (double *)m->host->allocate (m->host, (cells + 1) * sizeof *t->chances);
  if (!t->chances)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for %zu chances", cells);
  adze_status status = walk_all (&w, m->asked);
  if (status == ADZE_OK && !(t->all > 0))
    return adze_fail (m->host, ADZE_E_UNSUPPORTED, "what is seen never happens in the model");
  return status;
}

static adze_status
give_answers (scm *m, const size_t *first, size_t cells, scm_answers *answers)
{
  uint8_t *nothing = (uint8_t *)m->host->allocate (m->host, m->count);
  totals before = { .first = (size_t *)(uintptr_t)first }, after = before;
  adze_status status = nothing ? sum_up (m, nothing, cells, &before)
                               : adze_fail (m->host, ADZE_E_MEMORY, "no room for a model");
  if (status == ADZE_OK)
    status = sum_up (m, m->set, cells, &after);
  answers->items = (scm_answer *)m->host->allocate (m->host, (cells + 1) * sizeof *answers->items);
  if (status == ADZE_OK && !answers->items)
    status = adze_fail (m->host, ADZE_E_MEMORY, "no room for %zu answers", cells);
  for (uint32_t v = 0; status == ADZE_OK && v < m->count; v++)
    for (uint32_t l = 0; m->asked[v] && l < levels_of (m, v); l++)
      answers->items[answers->count++]
          = (scm_answer){ .node = m->nodes[v].name,
                          .value = m->data.columns[m->nodes[v].column].levels[l].data,
                          .before = before.chances[first[v] + l] / before.all,
                          .after = after.chances[first[v] + l] / after.all };
  void *blocks[] = { nothing, before.chances, after.chances };
  for (int i = 0; i < 3; i++)
    if (blocks[i])
      m->host->release (m->host, blocks[i]);
  return status;
}

adze_status
scm_ask_tables (scm *m, scm_answers *answers)
{
  const bool set = scm_list_size (m, "do") > 0, seen = scm_list_size (m, "seen") > 0;
  size_t *first = (size_t *)m->host->allocate (m->host, (m->count + 1) * sizeof *first), cells = 0;
  adze_status status = first ? refuse_hidden (m) : adze_fail (m->host, ADZE_E_MEMORY, "no room for a model");
  for (uint32_t v = 0; status == ADZE_OK && v < m->count; v++) {
    first[v] = cells;
    cells += m->asked[v] ? levels_of (m, v) : 0;
  }
  answers->kind = set && seen ? "counterfactual" : set ? "intervention" : "prediction";
  answers->words = set && seen ? "how likely each value would have been, if noises keep the order of values: a choice "
                                 "that no table can confirm"
                               : set ? "how likely each value is, as things are and when all are set"
                                     : "how likely each value is, given what is seen";
  if (status == ADZE_OK)
    status = give_answers (m, first, cells, answers);
  if (first)
    m->host->release (m->host, first);
  return status;
}

/* ---- One chance. */

typedef struct one {
  uint32_t node, level;
  double chance;
} one;

static void
add_one (walk *w, double chance)
{
  one *o = (one *)w->argument;
  o->chance += w->others[o->node] == o->level ? chance : 0;
}

adze_status
scm_chance (scm *m, uint32_t cause, uint32_t set, uint32_t node, uint32_t level, double *chance)
{
  const adze_host *host = m->host;
  one o = { node, level, 0 };
  uint8_t *marks = (uint8_t *)host->allocate (host, 3 * (size_t)m->count);
  double *to = (double *)host->allocate (host, m->count * sizeof *to);
  adze_status status = marks && to ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for a model");
  if (status == ADZE_OK) {
    walk w = { .m = m, .set = marks, .seen = marks + m->count, .set_to = to, .seen_as = to, .tell = add_one,
               .argument = &o };
    marks[cause] = 1;
    to[cause] = set;
    marks[2 * m->count + node] = 1;
    status = walk_all (&w, marks + 2 * m->count);
  }
  if (marks)
    host->release (host, marks);
  if (to)
    host->release (host, to);
  *chance = o.chance;
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* units.c: what somebody would have had. Abduction: noises are what the equations leave of what is seen. Action: what is
 * set loses its equation. Prediction: the equations once more, with the same noises. */
#include <math.h>

#include "model.h"

typedef struct work {
  scm *m;
  uint8_t *needed;  /* leads to what is asked, with what is set cut off */
  uint8_t *changed; /* something that is set leads to it */
  double *before, *after;
} work;

static void
find_needed (work *w)
{
  const scm *m = w->m;
  memcpy (w->needed, m->asked, m->count);
  scm_ancestors (m, m->set, w->needed);
  for (uint32_t at = 0; at < m->count; at++) {
    const uint32_t v = m->order[at];
    w->changed[v] = m->set[v];
    for (uint32_t k = 0; k < m->nodes[v].parent_count; k++)
      w->changed[v] = w->changed[v] || w->changed[m->nodes[v].parents[k]];
  }
}

/* ---- Somebody who was seen. */

static adze_status
must_see (const work *w, uint32_t v, uint32_t of)
{
  return adze_fail (w->m->host, ADZE_E_PARAM,
                    "parameter 'seen' does not say what '%s' was, and without it nobody knows what '%s' would have been; "
                    "add \"%s=VALUE\"",
                    w->m->nodes[v].name, w->m->nodes[of].name, w->m->nodes[v].name);
}

/* Where nothing that is set leads to it, it is what it was. */
static adze_status
one_node (work *w, uint32_t v)
{
  const scm *m = w->m;
  const scm_node *node = &m->nodes[v];
  if (m->set[v]) {
    w->after[v] = m->set_to[v];
    return ADZE_OK;
  }
  if (!m->seen[v])
    return must_see (w, v, v);
  w->after[v] = m->seen_as[v];
  if (!w->changed[v])
    return ADZE_OK;
  for (uint32_t k = 0; k < node->parent_count; k++)
    if (!m->seen[node->parents[k]])
      return must_see (w, node->parents[k], v);
  w->after[v] = scm_law (m, v, w->after, m->seen_as[v] - scm_law (m, v, m->seen_as, 0));
  return ADZE_OK;
}

static adze_status
ask_somebody (work *w)
{
  const scm *m = w->m;
  adze_status status = ADZE_OK;
  for (uint32_t at = 0; status == ADZE_OK && at < m->count; at++)
    if (w->needed[m->order[at]] || m->set[m->order[at]])
      status = one_node (w, m->order[at]);
  for (uint32_t v = 0; v < m->count; v++)
    w->before[v] = m->seen[v] ? m->seen_as[v] : NAN;
  return status;
}

/* ---- All rows of the table, in the mean. */

static void
one_row (const work *w, uint32_t row, double *seen, double *then)
{
  const scm *m = w->m;
  for (uint32_t v = 0; v < m->count; v++)
    seen[v] = m->data.columns[m->nodes[v].column].numbers[row];
  for (uint32_t at = 0; at < m->count; at++) {
    const uint32_t v = m->order[at];
    then[v] = m->set[v] ? m->set_to[v]
              : w->changed[v] ? scm_law (m, v, then, seen[v] - scm_law (m, v, seen, 0)) : seen[v];
  }
}

static adze_status
ask_rows (work *w)
{
  const scm *m = w->m;
  double *seen = (double *)m->host->allocate (m->host, 2 * (size_t)m->count * sizeof *seen);
  double weights = 0;
  adze_status status = seen ? ADZE_OK : adze_fail (m->host, ADZE_E_MEMORY, "no room for a row");
  for (uint32_t row = 0; status == ADZE_OK && row < m->data.rows; row++) {
    if (row % 1024 == 0 && !m->run->progress (m->host, m->context, row, m->data.rows))
      status = ADZE_E_CANCELLED;
    one_row (w, row, seen, seen + m->count);
    weights += 1;
    /* The running mean stays of the size of what it is the mean of. */
    for (uint32_t v = 0; v < m->count; v++) {
      w->before[v] += (seen[v] - w->before[v]) / weights;
      w->after[v] += (seen[m->count + v] - w->after[v]) / weights;
    }
  }
  if (seen)
    m->host->release (m->host, seen);
  return status;
}

/* ---- Equations alone. */

static adze_status
ask_nobody (work *w)
{
  const scm *m = w->m;
  for (uint32_t at = 0; at < m->count; at++) {
    const uint32_t v = m->order[at];
    w->before[v] = NAN;
    if (!w->needed[v] && !m->set[v])
      continue;
    if (!m->set[v] && !m->nodes[v].has_law)
      return adze_fail (m->host, ADZE_E_PARAM,
                        "'%s' has no equation, and is neither set nor seen: it may be anything", m->nodes[v].name);
    w->after[v] = m->set[v] ? m->set_to[v] : scm_law (m, v, w->after, 0);
  }
  return ADZE_OK;
}

/* ---- The whole. */

static adze_status
give_answers (const work *w, scm_answers *answers)
{
  const scm *m = w->m;
  answers->items = (scm_answer *)m->host->allocate (m->host, (m->count + 1) * sizeof *answers->items);
  if (!answers->items)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for %u answers", (unsigned)m->count);
  for (uint32_t v = 0; v < m->count; v++) {
    if (!m->asked[v])
      continue;
    if (!isfinite (w->after[v]))
      return adze_fail (m->host, ADZE_E_UNSUPPORTED, "'%s' would be no finite number", m->nodes[v].name);
    answers->items[answers->count++]
        = (scm_answer){ .node = m->nodes[v].name, .value = "", .before = w->before[v], .after = w->after[v] };
  }
  return ADZE_OK;
}

static adze_status
ask (work *w, scm_answers *answers)
{
  scm *m = w->m;
  const bool somebody = scm_list_size (m, "seen") > 0;
  find_needed (w);
  if (somebody) {
    answers->kind = "counterfactual";
    answers->words = "what who was seen would have had, with the same noises";
    return ask_somebody (w);
  }
  answers->kind = "intervention";
  answers->words = m->fitted ? "the mean over all rows, each with its own noises, as they are and when all are set"
                             : "what the equations give with all noises at zero";
  return m->fitted ? ask_rows (w) : ask_nobody (w);
}

adze_status
scm_ask_units (scm *m, scm_answers *answers)
{
  const adze_host *host = m->host;
  work w = { m, (uint8_t *)host->allocate (host, m->count), (uint8_t *)host->allocate (host, m->count),
             (double *)host->allocate (host, m->count * sizeof *w.before),
             (double *)host->allocate (host, m->count * sizeof *w.after) };
  adze_status status = w.needed && w.changed && w.before && w.after
                           ? ask (&w, answers) : adze_fail (host, ADZE_E_MEMORY, "no room for a model");
  if (status == ADZE_OK)
    status = give_answers (&w, answers);
  void *blocks[] = { w.needed, w.changed, w.before, w.after };
  for (int i = 0; i < 4; i++)
    if (blocks[i])
      host->release (host, blocks[i]);
  return status;
}

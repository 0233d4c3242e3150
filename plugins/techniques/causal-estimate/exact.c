/* SPDX-License-Identifier: Apache-2.0 */
/* exact.c: what is asked of a network, and the answer. */
#include "estimate.h"

typedef struct asking {
  const est_run *r;
  net network;
  uint32_t *set, *seen, *asked, *wanted; /* WANTED: of what is asked, the state; NET_FREE: all of them */
  uint32_t asked_count;
} asking;

/* ---- "NAME=value". */

/* Where nothing stands behind a name, *STATE stays NET_FREE; that is refused where a value is NEEDED. */
static adze_status
read_item (const asking *a, const char *what, const char *item, bool needed, uint32_t *node, uint32_t *state)
{
  const adze_host *host = a->r->host;
  const char *equals = strchr (item, '=');
  const size_t size = equals ? (size_t)(equals - item) : strlen (item);
  *node = net_find (&a->network, item, size);
  *state = NET_FREE;
  if (*node == UINT32_MAX)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s': the network has no variable '%.*s'", what,
                      (int)(size < 200 ? size : 200), item);
  if (!equals && needed)
    return adze_fail (host, ADZE_E_PARAM, "parameter '%s': '%.200s' has no value; needed is \"%.200s=VALUE\"", what,
                      item, item);
  if (!equals)
    return ADZE_OK;
  *state = net_find_state (&a->network.nodes[*node], equals + 1, strlen (equals + 1));
  if (*state != UINT32_MAX)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM, "parameter '%s': '%.100s' has no value '%.100s'; its first one is '%.100s'", what,
                    a->network.nodes[*node].name, equals + 1, a->network.nodes[*node].states[0]);
}

static adze_status
twice (const asking *a, const char *what, uint32_t node)
{
  return adze_fail (a->r->host, ADZE_E_PARAM, "parameter '%s': '%.200s' is there already, be it in 'do', 'seen' or 'ask'",
                    what, a->network.nodes[node].name);
}

static bool
is_asked (const asking *a, uint32_t node)
{
  for (uint32_t i = 0; i < a->asked_count; i++)
    if (a->asked[i] == node)
      return true;
  return false;
}

static adze_status
read_list (asking *a, const char *what, uint32_t *into)
{
  const bool asks = !into;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < est_list_size (a->r, what); i++) {
    uint32_t node = 0, state = NET_FREE;
    status = read_item (a, what, est_list_at (a->r, what, i), !asks, &node, &state);
    if (status != ADZE_OK)
      return status;
    if (a->set[node] != NET_FREE || a->seen[node] != NET_FREE || is_asked (a, node))
      return twice (a, what, node);
    if (asks) {
      a->wanted[a->asked_count] = state;
      a->asked[a->asked_count++] = node;
    } else
      into[node] = state;
  }
  return status;
}

static adze_status
read_question (asking *a)
{
  const adze_host *host = a->r->host;
  const size_t room = (size_t)a->network.count * sizeof (uint32_t);
  uint32_t **lists[] = { &a->set, &a->seen, &a->asked, &a->wanted };
  for (int i = 0; i < 4; i++) {
    *lists[i] = (uint32_t *)host->allocate (host, room);
    if (!*lists[i])
      return adze_fail (host, ADZE_E_MEMORY, "no room for %u variables", (unsigned)a->network.count);
    memset (*lists[i], 0xff, room); /* NET_FREE */
  }
  adze_status status = read_list (a, "do", a->set);
  if (status == ADZE_OK)
    status = read_list (a, "seen", a->seen);
  return status == ADZE_OK ? read_list (a, "ask", NULL) : status;
}

/* ---- The answer. */

static const char *
name_of (const void *argument, uint32_t column)
{
  const asking *a = (const asking *)argument;
  return a->network.nodes[a->asked[column]].name;
}

static uint32_t
state_at (const asking *a, size_t cell, uint32_t column)
{
  for (uint32_t i = a->asked_count; --i > column;)
    cell /= a->network.nodes[a->asked[i]].state_count;
  return (uint32_t)(cell % a->network.nodes[a->asked[column]].state_count);
}

static const char *
text_of (const void *argument, size_t cell, uint32_t column)
{
  const asking *a = (const asking *)argument;
  return a->network.nodes[a->asked[column]].states[state_at (a, cell, column)];
}

/* Of the values that were named; false: none was. */
static bool
wanted_probability (const asking *a, const double *cells, size_t count, double *probability)
{
  bool any = false;
  *probability = 0;
  for (uint32_t i = 0; i < a->asked_count; i++)
    any = any || a->wanted[i] != NET_FREE;
  for (size_t cell = 0; any && cell < count; cell++) {
    bool fits = true;
    for (uint32_t i = 0; i < a->asked_count; i++)
      fits = fits && (a->wanted[i] == NET_FREE || a->wanted[i] == state_at (a, cell, i));
    *probability += fits ? cells[cell] : 0;
  }
  return any;
}

static void
report_list (const asking *a, adze_report *report, const char *name)
{
  adze_report_open (a->r->host, report, name, "[");
  for (size_t i = 0; i < est_list_size (a->r, name); i++)
    adze_report_text (a->r->host, report, NULL, est_list_at (a->r, name, i));
  adze_report_close (a->r->host, report, "]");
}

static void
report_cells (const asking *a, adze_report *report, const double *cells, size_t count)
{
  const adze_host *host = a->r->host;
  adze_report_open (host, report, "distribution", "[");
  for (size_t cell = 0; cell < count; cell++) {
    adze_report_open (host, report, NULL, "{");
    adze_report_open (host, report, "values", "{");
    for (uint32_t i = 0; i < a->asked_count; i++)
      adze_report_text (host, report, name_of (a, i), text_of (a, cell, i));
    adze_report_close (host, report, "}");
    adze_report_number (host, report, "probability", cells[cell]);
    adze_report_close (host, report, "}");
  }
  adze_report_close (host, report, "]");
}

static adze_status
tell (const asking *a, const double *cells, size_t count, double evidence)
{
  const adze_host *host = a->r->host;
  const est_labels labels = { a->asked_count, name_of, text_of, a };
  adze_report report = { .status = ADZE_OK };
  double probability = 0;
  const bool wanted = wanted_probability (a, cells, count, &probability);
  adze_report_open (host, &report, NULL, "{");
  adze_report_text (host, &report, "method", "exact");
  report_list (a, &report, "do");
  report_list (a, &report, "seen");
  report_list (a, &report, "ask");
  if (wanted)
    adze_report_number (host, &report, "probability", probability);
  adze_report_number (host, &report, "probability-of-seen", evidence);
  report_cells (a, &report, cells, count);
  adze_report_close (host, &report, "}");
  adze_status status = report.status;
  if (status == ADZE_OK && wanted)
    status = adze_metric (host, "probability", probability, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "probability-of-seen", evidence, NULL);
  if (status == ADZE_OK)
    status = est_give_distribution (a->r, &labels, cells, count, NULL, NULL);
  if (status == ADZE_OK)
    status = a->r->run->give_bytes (host, a->r->context, "report", report.text.data, report.text.size);
  adze_bytes_release (host, &report.text);
  return status;
}

static adze_status
infer (asking *a)
{
  const est_run *r = a->r;
  const net_question question = { a->set, a->seen, a->asked, a->asked_count };
  double *cells = NULL, evidence = 0;
  size_t count = 0;
  adze_status status = net_infer (&a->network, &question, r->run, r->context, &cells, &count, &evidence);
  if (status == ADZE_OK)
    status = tell (a, cells, count, evidence);
  if (cells)
    r->host->release (r->host, cells);
  return status;
}

adze_status
est_run_exact (const est_run *r)
{
  asking a = { .r = r };
  const void *bytes = NULL;
  size_t size = 0;
  a.network.host = r->host;
  adze_status status = est_read_port (r, "network", &bytes, &size);
  if (status == ADZE_OK)
    status = net_read (r->host, (const char *)bytes, size, &a.network);
  if (status == ADZE_OK)
    status = read_question (&a);
  if (status == ADZE_OK)
    status = infer (&a);
  uint32_t *lists[] = { a.set, a.seen, a.asked, a.wanted };
  for (int i = 0; i < 4; i++)
    if (lists[i])
      r->host->release (r->host, lists[i]);
  net_close (&a.network);
  return status;
}

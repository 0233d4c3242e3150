/* SPDX-License-Identifier: Apache-2.0 */
/* knowledge.c: what is known before anything is computed: arrows that must be, arrows that must not be, and who comes
 * before whom. What contradicts itself is refused. */
#include <string.h>

#include "discover.h"

static uint8_t *
pair (discover_knowledge *k, uint32_t from, uint32_t to)
{
  return &k->pairs[(size_t)from * k->count + to];
}

/* ---- Names. */

uint32_t
discover_find (const discover_run *r, const char *name, size_t size)
{
  uint32_t low = 0, high = r->count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    int order = strncmp (r->names[middle], name, size);
    if (order == 0 && r->names[middle][size])
      order = 1;
    if (order == 0)
      return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return UINT32_MAX;
}

static void
trim (const char **text, size_t *size)
{
  while (*size > 0 && memchr (" \t", **text, 2)) {
    ++*text;
    --*size;
  }
  while (*size > 0 && memchr (" \t", (*text)[*size - 1], 2))
    --*size;
}

static adze_status
find_name (const discover_run *r, const char *parameter, const char *whole, const char *name, size_t size, uint32_t *node)
{
  trim (&name, &size);
  *node = discover_find (r, name, size);
  if (*node != UINT32_MAX)
    return ADZE_OK;
  return adze_fail (r->host, ADZE_E_PARAM,
                    "parameter '%s': there is no variable '%.*s', of which \"%s\" speaks; they begin with '%s'", parameter,
                    size > 80 ? 80 : (int)size, name, whole, r->names[0]);
}

static adze_status
read_arrow (const discover_run *r, const char *parameter, const char *text, uint32_t *from, uint32_t *to)
{
  const char *arrow = strstr (text, "-->");
  if (!arrow || strstr (arrow + 3, "-->"))
    return adze_fail (r->host, ADZE_E_PARAM, "parameter '%s': \"%s\" is no arrow; needed is \"CAUSE --> EFFECT\"",
                      parameter, text);
  adze_status status = find_name (r, parameter, text, text, (size_t)(arrow - text), from);
  if (status == ADZE_OK)
    status = find_name (r, parameter, text, arrow + 3, strlen (arrow + 3), to);
  if (status == ADZE_OK && *from == *to)
    status = adze_fail (r->host, ADZE_E_PARAM, "parameter '%s': \"%s\" leads from a variable to itself", parameter, text);
  return status;
}

/* ---- Tiers. TIER[i]: from 1 on; 0: in none. */

static adze_status
read_tier (const discover_run *r, const char *text, uint32_t number, uint32_t *tier)
{
  const char *at = text;
  bool more = true;
  while (more) {
    const size_t size = strcspn (at, ",");
    uint32_t node = 0;
    adze_status status = find_name (r, "tiers", text, at, size, &node);
    if (status == ADZE_OK && tier[node] != 0)
      status = adze_fail (r->host, ADZE_E_PARAM, "parameter 'tiers': '%s' is there twice, as number %u and as number %u",
                          r->names[node], tier[node], number);
    if (status != ADZE_OK)
      return status;
    tier[node] = number;
    more = at[size] == ',';
    at += size + more;
  }
  return ADZE_OK;
}

static adze_status
read_tiers (discover_run *r)
{
  uint32_t *tier = NULL;
  r->knowledge.tiers = discover_text_count (r->host, r->params, "tiers");
  adze_status status = discover_room (r->host, r->count, sizeof *tier, "tiers", &tier);
  for (size_t i = 0; status == ADZE_OK && i < r->knowledge.tiers; i++)
    status = read_tier (r, discover_text_at (r->host, r->params, "tiers", i), (uint32_t)i + 1, tier);
  for (uint32_t from = 0; status == ADZE_OK && from < r->count; from++)
    for (uint32_t to = 0; to < r->count; to++)
      if (tier[from] > tier[to] && tier[to] > 0)
        *pair (&r->knowledge, from, to) |= DISCOVER_FORBIDDEN;
  r->host->release (r->host, tier);
  return status;
}

/* ---- Arrows. */

static adze_status
read_forbidden (discover_run *r)
{
  adze_status status = ADZE_OK;
  uint32_t from = 0, to = 0;
  r->knowledge.forbidden = discover_text_count (r->host, r->params, "forbidden");
  for (size_t i = 0; status == ADZE_OK && i < r->knowledge.forbidden; i++) {
    status = read_arrow (r, "forbidden", discover_text_at (r->host, r->params, "forbidden", i), &from, &to);
    if (status == ADZE_OK)
      *pair (&r->knowledge, from, to) |= DISCOVER_FORBIDDEN;
  }
  return status;
}

/* What is required one way is forbidden the other. GRAPH has what is required so far. */
static adze_status
require (discover_run *r, pdag *graph, const char *text)
{
  uint32_t from = 0, to = 0;
  adze_status status = read_arrow (r, "required", text, &from, &to);
  if (status != ADZE_OK || discover_must (&r->knowledge, from, to))
    return status;
  if (pdag_reaches (graph, to, from))
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter 'required': \"%s\" would close a circle of arrows that are required", text);
  if (!discover_may (&r->knowledge, from, to))
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter 'required': \"%s\" is required, and forbidden by 'forbidden' or 'tiers'", text);
  *pair (&r->knowledge, from, to) |= DISCOVER_REQUIRED;
  pdag_set_arrow (graph, from, to, PDAG_BY_KNOWLEDGE);
  return ADZE_OK;
}

static adze_status
read_required (discover_run *r)
{
  pdag graph = { 0 };
  adze_status status = discover_open_pdag (r->host, r->count, &graph);
  r->knowledge.required = discover_text_count (r->host, r->params, "required");
  for (size_t i = 0; status == ADZE_OK && i < r->knowledge.required; i++)
    status = require (r, &graph, discover_text_at (r->host, r->params, "required", i));
  for (uint32_t from = 0; status == ADZE_OK && from < r->count; from++)
    for (uint32_t to = 0; to < r->count; to++)
      if (discover_must (&r->knowledge, from, to))
        *pair (&r->knowledge, to, from) |= DISCOVER_FORBIDDEN;
  discover_close_pdag (r->host, &graph);
  return status;
}

adze_status
discover_read_knowledge (discover_run *r)
{
  r->knowledge.count = r->count;
  adze_status status
      = discover_room (r->host, (size_t)r->count * r->count, 1, "what is known", &r->knowledge.pairs);
  if (status == ADZE_OK)
    status = read_tiers (r);
  if (status == ADZE_OK)
    status = read_forbidden (r);
  return status == ADZE_OK ? read_required (r) : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* found.c: room for graphs, and for what a search finds. */
#include <stdlib.h>
#include <string.h>

#include "discover.h"

adze_status
discover_room (const adze_host *host, size_t count, size_t size, const char *what, void *room)
{
  void *made = size > 0 && count > (SIZE_MAX - 64) / size ? NULL : host->allocate (host, count * size + 1);
  if (!made)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %s: %zu times %zu bytes", what, count, size);
  memcpy (room, &made, sizeof made);
  return ADZE_OK;
}

adze_status
discover_open_pdag (const adze_host *host, uint32_t count, pdag *graph)
{
  const size_t size = (size_t)count * count;
  *graph = (pdag){ .count = count };
  adze_status status = discover_room (host, size, 1, "a graph", &graph->leads);
  if (status == ADZE_OK)
    status = discover_room (host, size, 1, "a graph", &graph->why);
  if (status == ADZE_OK)
    status = discover_room (host, count, sizeof *graph->queue, "a graph", &graph->queue);
  return status == ADZE_OK ? discover_room (host, count, 1, "a graph", &graph->seen) : status;
}

void
discover_close_pdag (const adze_host *host, pdag *graph)
{
  host->release (host, graph->leads);
  host->release (host, graph->why);
  host->release (host, graph->queue);
  host->release (host, graph->seen);
  memset (graph, 0, sizeof *graph);
}

adze_status
discover_open_found (discover_run *r, discover_found *found)
{
  const size_t pairs = discover_pairs (r->count);
  adze_status status = discover_open_pdag (r->host, r->count, &found->graph);
  if (status == ADZE_OK)
    status = discover_room (r->host, pairs, sizeof *found->strength, "all pairs", &found->strength);
  if (status == ADZE_OK && r->settings.method == DISCOVER_PC)
    status = discover_room (r->host, pairs, sizeof *found->pairs, "all pairs", &found->pairs);
  return status;
}

void
discover_close_found (discover_run *r, discover_found *found)
{
  const adze_host *host = r->host;
  for (size_t i = 0; found->pairs && i < discover_pairs (r->count); i++)
    if (found->pairs[i].nodes)
      host->release (host, found->pairs[i].nodes);
  host->release (host, found->pairs);
  host->release (host, found->strength);
  host->release (host, found->colliders);
  host->release (host, found->conflicts);
  host->release (host, found->doubts);
  host->release (host, found->left_out);
  discover_close_pdag (host, &found->graph);
  memset (found, 0, sizeof *found);
}

adze_status
discover_go_on (discover_run *r)
{
  return r->run->progress (r->host, r->context, r->round, r->work) ? ADZE_OK : ADZE_E_CANCELLED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: the search, and random search with the same budget beside it. */
#include <stdlib.h>
#include <string.h>

#include "front.h"
#include "nas.h"

/* ---- What is asked for. */

adze_status
nas_check_search (const adze_host *host, const adze_params *params, size_t costs)
{
  int64_t population = adze_param_int (host, params, "population"), budget = adze_param_int (host, params, "budget");
  int64_t tournament = adze_param_int (host, params, "tournament");
  if (population >= budget)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'population' is %lld, and 'budget' %lld: all candidates would be drawn at random; "
                      "needed is a budget above the population",
                      (long long)population, (long long)budget);
  if (tournament > population)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'tournament' is %lld, and 'population' %lld: no more can be drawn than live; needed is a "
                      "tournament of %lld at most",
                      (long long)tournament, (long long)population, (long long)population);
  if (costs > NAS_COSTS)
    return adze_fail (host, ADZE_E_PARAM, "parameter 'costs' has %zu entries; %d are the most", costs, NAS_COSTS);
  if (costs == 0 && strcmp (adze_param_string (host, params, "method"), "nsga2") == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'method' is \"nsga2\", which weighs worth against costs, and 'costs' has none; name "
                      "some, or choose \"regularised\"");
  return ADZE_OK;
}

/* ---- Random numbers: each search has a stream of its own. */

static void
fill (void *argument, uint64_t first, uint64_t *out, size_t count)
{
  adze_random_fill ((const adze_host *)argument, "evolved", first, out, count);
}

static void
fill_drawn (void *argument, uint64_t first, uint64_t *out, size_t count)
{
  adze_random_fill ((const adze_host *)argument, "drawn", first, out, count);
}

/* ---- One search. */

static adze_status
no_memory (const nas_run *n)
{
  return adze_fail (n->host, ADZE_E_MEMORY, "no room for what is known of %llu candidates",
                    (unsigned long long)n->budget);
}

static adze_status
open_search (nas_run *n, nas_search *search, nas_method method)
{
  nas_settings settings = n->settings;
  uint64_t number;
  settings.method = method;
  search->random.fill = method == NAS_RANDOM ? fill_drawn : fill;
  search->random.argument = (void *)(uintptr_t)n->host;
  if (!adze_random_fill (n->host, "evolved", 0, &number, 1))
    return adze_fail (n->host, ADZE_E_UNSUPPORTED, "this host has no %s, which candidates are drawn with",
                      ADZE_RANDOM);
  return nas_search_open (search, &n->space, &settings) ? ADZE_OK : no_memory (n);
}

/* POINTS has room for a batch. *COUNT becomes 0 where nothing is left. */
static adze_status
look_at_some (nas_run *n, nas_search *search, uint64_t before, nas_point *points, size_t *count)
{
  size_t wanted = nas_search_batch (search, (size_t)n->budget - search->count);
  memset (points, 0, wanted * sizeof *points);
  for (*count = 0; *count < wanted && nas_search_next (search, points[*count].genes);)
    ++*count;
  adze_status status = *count > 0 ? n->look (n, points, *count, before + search->count) : ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < *count; i++)
    if (!nas_search_tell (search, &points[i]))
      return no_memory (n);
  if (status == ADZE_OK && !n->run->progress (n->host, n->context, before + search->count, 2 * n->budget))
    return ADZE_E_CANCELLED;
  return status;
}

/* BEFORE: how many the other search has looked at, for whoever watches. */
static adze_status
search_on (nas_run *n, nas_search *search, uint64_t before)
{
  nas_point *points = (nas_point *)n->host->allocate (n->host, search->asked_room * sizeof *points);
  adze_status status = points ? ADZE_OK : no_memory (n);
  for (size_t count = 1; status == ADZE_OK && count > 0 && search->count < n->budget;)
    status = look_at_some (n, search, before, points, &count);
  n->host->release (n->host, points);
  return status;
}

static adze_status
find_front (nas_run *n, const nas_search *search, uint32_t **front, size_t *count)
{
  *front = (uint32_t *)malloc ((search->count + 1) * sizeof **front);
  if (!*front)
    return no_memory (n);
  *count = nas_front (search->points, search->count, n->settings.costs, *front);
  return ADZE_OK;
}

/* ---- Both. */

static void
read_settings (nas_run *n)
{
  const adze_host *host = n->host;
  const char *method = adze_param_string (host, n->params, "method");
  n->budget = (uint64_t)adze_param_int (host, n->params, "budget");
  n->settings.method = strcmp (method, "nsga2") == 0 ? NAS_NSGA2 : NAS_REGULARISED;
  n->settings.population = (uint32_t)adze_param_int (host, n->params, "population");
  n->settings.tournament = (uint32_t)adze_param_int (host, n->params, "tournament");
  n->settings.mutation = adze_param_float (host, n->params, "mutation");
  n->settings.crossover = adze_param_float (host, n->params, "crossover");
}

/* A space that is smaller than the budget is looked at to its end, and one in which nothing was found is a
 * mistake. */
static adze_status
check_found (const nas_run *n)
{
  if (nas_search_best (&n->evolved) != SIZE_MAX)
    return ADZE_OK;
  return adze_fail (n->host, ADZE_E_NOT_FOUND,
                    n->evolved.count > 0 ? "all candidates were given up early: nothing was found"
                                         : "no choice of the alternatives gives a candidate that can be");
}

adze_status
nas_run_search (nas_run *n)
{
  read_settings (n);
  adze_status status = open_search (n, &n->evolved, n->settings.method);
  if (status == ADZE_OK)
    status = open_search (n, &n->drawn, NAS_RANDOM);
  if (status == ADZE_OK)
    status = search_on (n, &n->evolved, 0);
  if (status == ADZE_OK)
    status = search_on (n, &n->drawn, n->evolved.count);
  if (status == ADZE_OK)
    status = check_found (n);
  if (status == ADZE_OK)
    status = find_front (n, &n->evolved, &n->front, &n->front_count);
  return status == ADZE_OK ? find_front (n, &n->drawn, &n->drawn_front, &n->drawn_count) : status;
}

void
nas_run_close (nas_run *n)
{
  nas_search_close (&n->evolved);
  nas_search_close (&n->drawn);
  free (n->front);
  free (n->drawn_front);
  n->front = n->drawn_front = NULL;
}

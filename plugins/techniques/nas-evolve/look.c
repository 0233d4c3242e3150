/* SPDX-License-Identifier: Apache-2.0 */
/* look.c: candidates that are asked for at once. Those that nobody knows are trained, side by side; whoever was known
 * when the batch began is what they are held against, and they are known when all of them have ended, in the order in
 * which they were asked for. So nothing depends on which of them ends first. */
#include <string.h>

#include "trained.h"

typedef struct batch {
  nas_trained *t;
  uint64_t before; /* candidates that were looked at so far, for whoever watches */
  nas_result *results; /* of those that were not known; the number of the first is that of all that are known */
  size_t count;
  nas_request *requests; /* of those of them that are trained now */
  size_t *numbers;       /* among the results */
  size_t request_count, ended;
} batch;

/* ---- What is sent with a candidate. */

static bool
costs_no_more (const nas_trained *t, const double *one, const double *other)
{
  for (uint32_t c = 0; c < t->n->settings.costs; c++)
    if (one[c] > other[c])
      return false;
  return true;
}

/* VALUES are the RANKth highest that came so far, the lowest first; so is what they become with ONE. */
static void
keep_high (double *values, size_t rank, double one)
{
  size_t at = 0;
  if (one <= values[0])
    return;
  for (; at + 1 < rank && values[at + 1] < one; at++)
    values[at] = values[at + 1];
  values[at] = one;
}

/* The accuracy after EPOCH that so many had or more as give one up. Below all there are where there are fewer. */
static double
find_bar (const nas_trained *t, const double *costs, uint64_t epoch, size_t rank, double *room)
{
  for (size_t i = 0; i < rank; i++)
    room[i] = -1;
  for (size_t i = 0; i < t->result_count; i++)
    if (t->results[i].epochs > epoch && costs_no_more (t, t->results[i].point.costs, costs))
      keep_high (room, rank, t->results[i].by_epoch[epoch]);
  return room[0];
}

static adze_status
find_bars (const nas_trained *t, nas_request *request)
{
  const adze_host *host = t->n->host;
  size_t rank = (size_t)adze_param_int (host, t->n->params, "give-up");
  for (size_t e = 0; e < NAS_EPOCHS; e++)
    request->bars[e] = -1;
  if (rank == 0 || rank > t->result_count)
    return ADZE_OK;
  double *room = (double *)host->allocate (host, rank * sizeof *room);
  if (!room)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the best of %zu candidates", t->result_count);
  for (uint64_t e = 0; e < request->epochs; e++)
    request->bars[e] = find_bar (t, request->costs, e, rank, room);
  host->release (host, room);
  return ADZE_OK;
}

static adze_status
add_request (batch *b, size_t number, const uint8_t genes[NAS_GENES])
{
  nas_trained *t = b->t;
  const adze_host *host = t->n->host;
  nas_request *request = &b->requests[b->request_count];
  memset (request, 0, sizeof *request);
  memcpy (request->genes, genes, NAS_GENES);
  request->epochs = (uint64_t)adze_param_int (host, t->n->params, "epochs");
  request->batches = (uint64_t)adze_param_int (host, t->n->params, "batches");
  request->searching = 1;
  b->numbers[b->request_count++] = number;
  adze_status status = nas_weigh (t, genes, request->costs);
  return status == ADZE_OK ? find_bars (t, request) : status;
}

/* ---- What comes back. */

static adze_status
tell_result (const nas_trained *t, size_t number, const nas_result *result)
{
  adze_bytes words = { 0 };
  adze_status status = nas_name (t->n, result->point.genes, &words);
  if (status == ADZE_OK)
    adze_log (t->n->host, ADZE_LOG_INFO, "candidate %zu: accuracy %.4f%s: %.*s", number + 1, result->point.worth,
              result->point.stopped ? ", given up" : "", (int)words.size, words.data);
  adze_bytes_release (t->n->host, &words);
  return status;
}

static adze_status
one_ended (void *argument, size_t index, const nas_result *result, const adze_bytes *weights)
{
  batch *b = (batch *)argument;
  const nas_run *n = b->t->n;
  size_t number = b->numbers[index];
  (void)weights;
  b->results[number] = *result;
  adze_status status = nas_keep (b->t, b->t->result_count + number, result);
  if (status == ADZE_OK)
    status = tell_result (b->t, b->t->result_count + number, result);
  if (status == ADZE_OK && !n->run->progress (n->host, n->context, b->before + ++b->ended, 2 * n->budget))
    status = ADZE_E_CANCELLED;
  return status;
}

/* ---- All of them. */

/* Evolution and random search share what is known: who was trained for the one is not for the other. */
static adze_status
find_unknown (batch *b, const nas_point *points, size_t count)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    bool found = false;
    if (nas_find_result (b->t, points[i].genes))
      continue;
    size_t number = b->count++;
    status = nas_find_kept (b->t, b->t->result_count + number, points[i].genes, &b->results[number], &found);
    if (status == ADZE_OK && !found)
      status = add_request (b, number, points[i].genes);
  }
  return status;
}

static adze_status
look_at_all (batch *b, nas_point *points, size_t count)
{
  nas_trained *t = b->t;
  adze_status status = find_unknown (b, points, count);
  if (status == ADZE_OK && b->request_count > 0) {
    nas_tell_kept (t);
    status = nas_have_trained (t, b->requests, b->request_count, 0, one_ended, b);
  }
  for (size_t i = 0; status == ADZE_OK && i < b->count; i++)
    status = nas_add_result (t, &b->results[i]);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    points[i] = nas_find_result (t, points[i].genes)->point;
  return status;
}

adze_status
nas_look (nas_run *n, nas_point *points, size_t count, uint64_t before)
{
  const adze_host *host = n->host;
  batch b = { .t = (nas_trained *)n->own, .before = before };
  b.results = (nas_result *)host->allocate (host, count * sizeof *b.results);
  b.requests = (nas_request *)host->allocate (host, count * sizeof *b.requests);
  b.numbers = (size_t *)host->allocate (host, count * sizeof *b.numbers);
  adze_status status = b.results && b.requests && b.numbers
                           ? look_at_all (&b, points, count)
                           : adze_fail (host, ADZE_E_MEMORY, "no room for %zu candidates at once", count);
  host->release (host, b.results);
  host->release (host, b.requests);
  host->release (host, b.numbers);
  return status;
}

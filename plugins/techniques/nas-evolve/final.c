/* SPDX-License-Identifier: Apache-2.0 */
/* final.c: some of the front, from the best to the cheapest, are trained as one that is to be used would be; the best
 * of them is given. */
#include <string.h>

#include "trained.h"

static uint64_t
final_epochs (const nas_trained *t)
{
  return (uint64_t)adze_param_int (t->n->host, t->n->params, "final-epochs");
}

/* ---- Trained further. */

/* As the search did, or for longer and with all of the data. */
static nas_request
request_of (const nas_trained *t, uint32_t number)
{
  const nas_run *n = t->n;
  nas_request request = { .epochs = final_epochs (t) };
  memcpy (request.genes, n->evolved.points[number].genes, NAS_GENES);
  memcpy (request.costs, n->evolved.points[number].costs, sizeof request.costs);
  if (request.epochs == 0) {
    request.epochs = (uint64_t)adze_param_int (n->host, n->params, "epochs");
    request.batches = (uint64_t)adze_param_int (n->host, n->params, "batches");
  }
  return request;
}

/* Number INDEX of COUNT, which lie evenly between both ends of the front, the best one first. */
static uint32_t
choose (const nas_trained *t, size_t index, size_t count)
{
  size_t last = t->n->front_count - 1;
  return t->n->front[count > 1 ? index * last / (count - 1) : 0];
}

/* Of the best one the weights are needed; of equally good ones the first is the best, whichever ended first. */
static void
compare (nas_trained *t, size_t index)
{
  size_t worse = t->best;
  const nas_final *own = &t->finals[index], *best = &t->finals[t->best];
  if (index != t->best && best->weights.size > 0
      && (own->accuracy < best->accuracy || (own->accuracy == best->accuracy && index > t->best)))
    worse = index;
  else
    t->best = index;
  if (worse != t->best)
    adze_bytes_release (t->n->host, &t->finals[worse].weights);
}

typedef struct finish {
  nas_trained *t;
  size_t *numbers; /* of those that are trained, among the finals */
} finish;

static adze_status
one_ended (void *argument, size_t index, const nas_result *result, const adze_bytes *weights)
{
  const finish *f = (const finish *)argument;
  nas_final *own = &f->t->finals[f->numbers[index]];
  own->accuracy = result->point.worth;
  adze_status status = adze_bytes_add (f->t->n->host, &own->weights, weights->data, weights->size);
  if (status == ADZE_OK)
    status = nas_keep_final (f->t, f->numbers[index], own);
  if (status == ADZE_OK)
    compare (f->t, f->numbers[index]);
  return status;
}

/* One that is trained by itself has all threads; several have one each, so that the bytes of each are the same however
 * many are trained at once. So has one that stays as the search has trained it. */
static adze_status
finish_all (finish *f, nas_request *requests)
{
  nas_trained *t = f->t;
  const nas_run *n = t->n;
  size_t count = 0;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < t->final_count; i++) {
    bool found = false;
    t->finals[i].number = choose (t, i, t->final_count);
    status = nas_find_final (t, i, &t->finals[i], &found);
    if (found)
      compare (t, i);
    if (found)
      continue;
    requests[count] = request_of (t, t->finals[i].number);
    f->numbers[count++] = i;
  }
  bool alone = t->final_count == 1 && final_epochs (t) > 0;
  uint32_t threads = alone ? adze_jobs_of (n->host)->workers (n->host, n->context, 1) : 1;
  return status == ADZE_OK ? nas_have_trained (t, requests, count, threads, one_ended, f) : status;
}

static adze_status
give_best (nas_trained *t)
{
  const nas_final *best = &t->finals[t->best];
  adze_graph *graph = NULL;
  adze_status status = nas_rebuild (t, t->n->evolved.points[best->number].genes, &best->weights, &graph);
  return status == ADZE_OK ? t->n->run->give_graph (t->n->host, t->n->context, "model", graph) : status;
}

adze_status
nas_finish (nas_trained *t)
{
  const adze_host *host = t->n->host;
  size_t wanted = (size_t)adze_param_int (host, t->n->params, "finalists");
  size_t count = wanted < t->n->front_count ? wanted : t->n->front_count;
  nas_tell_kept (t);
  finish f = { .t = t, .numbers = (size_t *)host->allocate (host, count * sizeof *f.numbers) };
  nas_request *requests = (nas_request *)host->allocate (host, count * sizeof *requests);
  t->finals = (nas_final *)host->allocate (host, count * sizeof *t->finals);
  adze_status status = ADZE_OK;
  if (t->finals) {
    memset (t->finals, 0, count * sizeof *t->finals);
    t->final_count = count;
  }
  if (!t->finals || !f.numbers || !requests)
    status = adze_fail (host, ADZE_E_MEMORY, "no room for %zu networks that are trained further", count);
  if (status == ADZE_OK)
    status = finish_all (&f, requests);
  host->release (host, f.numbers);
  host->release (host, requests);
  return status == ADZE_OK ? give_best (t) : status;
}

void
nas_finish_close (nas_trained *t)
{
  for (size_t i = 0; i < t->final_count; i++)
    adze_bytes_release (t->n->host, &t->finals[i].weights);
  t->n->host->release (t->n->host, t->finals);
}

/* ---- What is told of it. */

adze_status
nas_tell_finals (const nas_trained *t)
{
  const nas_run *n = t->n;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < t->final_count; i++) {
    const nas_point *point = &n->evolved.points[t->finals[i].number];
    adze_bytes words = { 0 };
    adze_field fields[3 + NAS_COSTS] = { { .key = "candidate", .type = ADZE_FIELD_STRING } };
    uint32_t count = 1;
    fields[count++] = (adze_field){ .key = "in-search", .type = ADZE_FIELD_FLOAT, .value = { .real = point->worth } };
    fields[count++]
        = (adze_field){ .key = "accuracy", .type = ADZE_FIELD_FLOAT, .value = { .real = t->finals[i].accuracy } };
    for (uint32_t c = 0; c < n->settings.costs; c++)
      fields[count++]
          = (adze_field){ .key = n->costs[c], .type = ADZE_FIELD_FLOAT, .value = { .real = point->costs[c] } };
    status = n->name (n, point->genes, &words);
    if (status == ADZE_OK)
      status = adze_bytes_add (n->host, &words, "", 1);
    fields[0].value.string = words.data;
    if (status == ADZE_OK)
      status = adze_row (n->host, "final", fields, count);
    adze_bytes_release (n->host, &words);
  }
  const nas_final *best = &t->finals[t->best];
  if (status == ADZE_OK)
    status = adze_metric (n->host, "accuracy", best->accuracy, NULL);
  for (uint32_t c = 0; status == ADZE_OK && c < n->settings.costs; c++)
    status = adze_metric (n->host, n->costs[c], n->evolved.points[best->number].costs[c],
                          t->costs[c] == NAS_LATENCY ? "ms" : NULL);
  return status;
}

void
nas_report_finals (const nas_run *n, adze_report *report)
{
  const nas_trained *t = (const nas_trained *)n->own;
  adze_report_count (n->host, report, "final-epochs", final_epochs (t));
  adze_report_open (n->host, report, "final", "[");
  for (size_t i = 0; i < t->final_count; i++) {
    adze_report_open (n->host, report, NULL, "{");
    adze_report_count (n->host, report, "looked-at-as", t->finals[i].number + 1);
    adze_report_number (n->host, report, "accuracy", t->finals[i].accuracy);
    adze_report_bool (n->host, report, "given", i == t->best);
    adze_report_close (n->host, report, "}");
  }
  adze_report_close (n->host, report, "]");
}

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
static adze_status
train_one (nas_trained *t, uint32_t number, double *accuracy, adze_graph **graph)
{
  const adze_host *host = t->n->host;
  uint64_t epochs = final_epochs (t), batches = 0;
  nas_result result;
  if (epochs == 0) {
    epochs = (uint64_t)adze_param_int (host, t->n->params, "epochs");
    batches = (uint64_t)adze_param_int (host, t->n->params, "batches");
  }
  adze_status status
      = nas_train (t, t->n->evolved.points[number].genes, epochs, batches, false, &result, graph);
  *accuracy = result.point.worth;
  return status;
}

/* Number INDEX of COUNT, which lie evenly between both ends of the front, the best one first. */
static uint32_t
choose (const nas_trained *t, size_t index, size_t count)
{
  size_t last = t->n->front_count - 1;
  return t->n->front[count > 1 ? index * last / (count - 1) : 0];
}

static adze_status
finish_one (nas_trained *t, size_t index, size_t count)
{
  nas_final *own = &t->finals[index];
  bool found = false;
  adze_graph *graph = NULL;
  adze_status status = nas_find_final (t, index, own, &found);
  own->number = choose (t, index, count);
  if (status == ADZE_OK && !found) {
    status = train_one (t, own->number, &own->accuracy, &graph);
    if (status == ADZE_OK)
      status = nas_keep_final (t, index, own);
  }
  if (status != ADZE_OK)
    return status;
  t->final_count = index + 1;
  if (index > 0 && own->accuracy <= t->finals[t->best].accuracy)
    return ADZE_OK;
  t->best = index;
  t->given = graph;
  return ADZE_OK;
}

/* Its weights were not kept if it was trained before the run was killed: the same ones are found once more. */
static adze_status
give_best (nas_trained *t)
{
  double accuracy;
  adze_status status = ADZE_OK;
  if (!t->given)
    status = train_one (t, t->finals[t->best].number, &accuracy, &t->given);
  return status == ADZE_OK ? t->n->run->give_graph (t->n->host, t->n->context, "model", t->given) : status;
}

adze_status
nas_finish (nas_trained *t)
{
  const adze_host *host = t->n->host;
  size_t wanted = (size_t)adze_param_int (host, t->n->params, "finalists");
  size_t count = wanted < t->n->front_count ? wanted : t->n->front_count;
  t->finals = (nas_final *)host->allocate (host, count * sizeof *t->finals);
  if (!t->finals)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu networks that are trained further", count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = finish_one (t, i, count);
  return status == ADZE_OK ? give_best (t) : status;
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

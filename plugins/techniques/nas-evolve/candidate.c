/* SPDX-License-Identifier: Apache-2.0 */
/* candidate.c: one network: built, trained, looked at after each epoch, and given up if it is no good. */
#include <string.h>
#include <time.h>

#include "trained.h"

/* No layer calls a value so. */
#define TARGET "%target"

typedef struct work {
  nas_trained *t;
  const nas_request *request;
  const adze_host *host;
  nas_network *network;
  adze_graph *learner; /* with target and loss, batch normalisation in training mode */
  adze_graph *watched; /* as it is used */
  uint32_t loss, scores; /* of the learner, and of the watched one */
  size_t scores_output;  /* its place among the outputs */
  adze_feed feed, watch_feed;
  adze_feed_runner runner;
  adze_training *training;
  uint64_t batches; /* of an epoch */
  bool gave_up;
  nas_result *result;
  double told; /* when progress was last told */
} work;

/* ---- The network, twice over. */

adze_status
nas_build (nas_trained *t, const uint8_t genes[NAS_GENES], nas_network *network, adze_graph **graph)
{
  uint8_t own[NAS_GENES];
  memcpy (own, genes, sizeof own);
  adze_status status = nas_declared_network (t->n->host, &t->declared, own, network);
  if (status == ADZE_OK)
    status = t->n->run->new_graph (t->n->host, t->n->context, "model", graph);
  return status == ADZE_OK ? build_emit (t->n->host, &network->plan, *graph) : status;
}

adze_status
nas_find_scores (const nas_trained *t, adze_graph *graph, uint32_t *scores)
{
  uint32_t output = ADZE_NONE;
  adze_status status = adze_feed_output (t->n->host, t->n->params, graph, &output);
  if (status == ADZE_OK)
    *scores = adze_feed_scores (t->n->host, graph, output, false);
  return status;
}

static adze_status
open_feed (const work *w, adze_artifact *data, adze_graph *graph, uint32_t scores, uint32_t target, adze_feed *feed)
{
  const adze_feed_wish wish = { .params = w->t->n->params,
                                .graph = graph,
                                .output = scores,
                                .classes = 1,
                                .target_input = target,
                                .batch = (uint32_t)adze_param_int (w->host, w->t->n->params, "batch") };
  return adze_feed_open (w->host, data, &wish, feed);
}

static adze_status
make_learner (work *w)
{
  const adze_train_service *train = w->t->train;
  uint32_t scores = ADZE_NONE, target = ADZE_NONE;
  adze_status status = nas_build (w->t, w->request->genes, w->network, &w->learner);
  if (status == ADZE_OK)
    status = train->set_training (w->host, w->learner);
  if (status == ADZE_OK)
    status = nas_find_scores (w->t, w->learner, &scores);
  if (status == ADZE_OK)
    status = train->add_target (w->host, w->learner, scores, 1, TARGET, &target);
  if (status == ADZE_OK)
    status = train->add_loss (w->host, w->learner, ADZE_TRAIN_CROSS_ENTROPY, scores, target, 0, &w->loss);
  if (status == ADZE_OK)
    status = w->t->graphs->verify (w->host, w->learner);
  return status == ADZE_OK ? open_feed (w, w->t->data, w->learner, scores, target, &w->feed) : status;
}

static adze_status
make_watched (work *w)
{
  const adze_graph_service *graphs = w->t->graphs;
  size_t count = 0;
  adze_status status = nas_build (w->t, w->request->genes, w->network, &w->watched);
  if (status == ADZE_OK)
    status = nas_find_scores (w->t, w->watched, &w->scores);
  if (status != ADZE_OK)
    return status;
  const uint32_t *outputs = graphs->outputs (w->watched, &count);
  for (w->scores_output = 0; w->scores_output < count && outputs[w->scores_output] != w->scores; w->scores_output++)
    continue;
  if (w->scores_output == count)
    status = graphs->add_output (w->host, w->watched, w->scores);
  if (status == ADZE_OK)
    status = graphs->verify (w->host, w->watched);
  w->runner.graph = w->watched;
  w->runner.weights_change = 1;
  return status == ADZE_OK ? open_feed (w, w->t->validation, w->watched, w->scores, ADZE_NONE, &w->watch_feed)
                           : status;
}

/* ---- Callbacks of the training. */

static adze_status
next_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  work *w = (work *)argument;
  *inputs = NULL;
  if (number >= w->batches)
    return ADZE_OK;
  adze_status status = adze_feed_read (w->host, &w->feed, epoch, number);
  *inputs = w->feed.inputs;
  return status;
}

static adze_status
watch_batch (work *w, adze_judge *judge, uint64_t number)
{
  adze_status status = adze_feed_read (w->host, &w->watch_feed, 0, number);
  if (status == ADZE_OK)
    status = adze_feed_execute (w->host, w->t->n->context, &w->runner, &w->watch_feed);
  return status == ADZE_OK ? w->t->eval->add (w->host, judge, w->runner.outputs[w->scores_output],
                                              &w->watch_feed.target->view)
                           : status;
}

/* The accuracy of the weights as they are now. */
static adze_status
validate (void *argument, double *score)
{
  work *w = (work *)argument;
  adze_judge *judge = NULL;
  adze_verdict verdict = { .struct_size = sizeof verdict };
  adze_status status
      = w->t->eval->judge (w->host, w->t->n->context, ADZE_JUDGE_CLASSES, "validation", 1, &judge);
  for (uint64_t i = 0; status == ADZE_OK && i < w->watch_feed.batches; i++)
    status = watch_batch (w, judge, i);
  if (status != ADZE_OK)
    return status;
  w->t->eval->verdict (w->host, judge, &verdict);
  w->result->by_epoch[w->result->epochs++] = verdict.accuracy;
  *score = 1 - verdict.accuracy;
  return ADZE_OK;
}

/* Below what others had by then that cost no more? */
static adze_status
after_epoch (void *argument, const adze_train_progress_info *progress)
{
  work *w = (work *)argument;
  uint64_t done = w->result->epochs;
  (void)progress;
  w->gave_up = w->request->searching && done > 0 && done < w->request->epochs
               && w->result->by_epoch[done - 1] < w->request->bars[done - 1];
  return w->gave_up ? ADZE_E_CANCELLED : ADZE_OK;
}

/* Somebody may ask to stop while a network is trained, and not only between two of them. */
static adze_status
after_step (void *argument, const adze_train_progress_info *progress)
{
  const double often = 0.2; /* seconds */
  work *w = (work *)argument;
  nas_run *n = w->t->n;
  struct timespec time;
  (void)progress;
  clock_gettime (CLOCK_MONOTONIC, &time);
  double now = (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
  if (now - w->told < often)
    return ADZE_OK;
  w->told = now;
  return n->run->progress (w->host, n->context, w->result->epochs, w->request->epochs) ? ADZE_OK : ADZE_E_CANCELLED;
}

/* ---- The training. */

static adze_status
open_training (work *w)
{
  adze_train_settings s = { .struct_size = sizeof s, .rule_size = sizeof (adze_train_weight_rule) };
  uint8_t looks[2] = { ADZE_LOOKS_ALWAYS, ADZE_LOOKS_NEVER };
  nas_set_schedule (w->t, w->request->epochs, w->batches, &s);
  s.batch = next_batch;
  s.validate = validate;
  s.after_step = after_step;
  s.after_epoch = after_epoch;
  s.argument = w;
  /* The network's own input, and the classes. */
  if (w->feed.slots[0].sound)
    looks[0] = ADZE_LOOKS_NEVER;
  s.looks = looks;
  adze_status status = w->t->train->open (w->host, w->t->n->context, w->learner, w->loss, &s, &w->training);
  return status == ADZE_OK ? w->t->train->give (w->host, w->training, w->watched, 1) : status;
}

/* Of all epochs the best, whose weights the trainer has gone back to; of one that was given up the last. One whose
 * numbers got out of hand is given up as well, unless they were none to begin with: then nobody would do better. */
static adze_status
learn (work *w)
{
  nas_result *r = w->result;
  adze_status status = w->t->train->run (w->host, w->training);
  if (status == ADZE_E_LIMIT && w->request->searching && !adze_feed_strange (&w->feed)) {
    adze_log (w->host, ADZE_LOG_INFO, "a candidate's loss got out of hand; it is given up");
    w->gave_up = true;
  }
  r->point.stopped = w->gave_up;
  r->point.worth = w->gave_up && r->epochs > 0 ? r->by_epoch[r->epochs - 1] : 0;
  for (uint64_t i = 0; !w->gave_up && i < r->epochs; i++)
    r->point.worth = r->by_epoch[i] > r->point.worth ? r->by_epoch[i] : r->point.worth;
  return w->gave_up ? ADZE_OK : status;
}

/* ---- What it has learnt. */

/* Of a weight, as all are: of one type, and written one after the other. */
static size_t
size_of (const adze_graph_value *value)
{
  size_t size = value->role == ADZE_ROLE_WEIGHT ? value->dtype.bits / 8 : 0;
  for (int32_t d = 0; size > 0 && d < value->rank; d++)
    size *= (size_t)value->shape[d];
  return size;
}

static adze_status
hand_over (work *w, adze_bytes *weights)
{
  const adze_graph_service *graphs = w->t->graphs;
  adze_graph *graph = NULL;
  adze_status status = nas_build (w->t, w->request->genes, w->network, &graph);
  if (status == ADZE_OK)
    status = w->t->train->give (w->host, w->training, graph, 0);
  for (uint32_t i = 0; status == ADZE_OK && i < graphs->value_count (graph); i++) {
    const adze_graph_value *value = graphs->value (graph, i);
    if (size_of (value) > 0)
      status = adze_bytes_add (w->host, weights, value->data, size_of (value));
  }
  return status;
}

adze_status
nas_rebuild (nas_trained *t, const uint8_t genes[NAS_GENES], const adze_bytes *weights, adze_graph **graph)
{
  const adze_host *host = t->n->host;
  nas_network *network = (nas_network *)host->allocate (host, sizeof *network);
  size_t at = 0;
  adze_status status = network ? nas_build (t, genes, network, graph)
                               : adze_fail (host, ADZE_E_MEMORY, "no room for a network of %d layers", NAS_LAYERS);
  for (uint32_t i = 0; status == ADZE_OK && i < t->graphs->value_count (*graph); i++) {
    size_t size = size_of (t->graphs->value (*graph, i));
    if (size > weights->size - at)
      status = adze_fail (host, ADZE_E_FORMAT, "what is kept of a network has %zu bytes, and it needs more", weights->size);
    else if (size > 0)
      status = t->graphs->set_data (host, *graph, i, weights->data + at, size);
    at += size;
  }
  host->release (host, network);
  return status;
}

/* ---- All of it. */

static adze_status
train_all (work *w, adze_bytes *weights)
{
  adze_status status = make_learner (w);
  if (status == ADZE_OK)
    status = make_watched (w);
  w->batches = w->request->batches;
  if (w->batches == 0 || w->batches > w->feed.batches)
    w->batches = w->feed.batches;
  if (status == ADZE_OK)
    status = open_training (w);
  if (status == ADZE_OK)
    status = learn (w);
  return status == ADZE_OK && weights ? hand_over (w, weights) : status;
}

adze_status
nas_train (nas_trained *t, const nas_request *request, nas_result *result, adze_bytes *weights)
{
  const adze_host *host = t->n->host;
  work w = { .t = t, .host = host, .request = request, .result = result };
  w.network = (nas_network *)host->allocate (host, sizeof *w.network);
  memset (result, 0, sizeof *result);
  memcpy (result->point.genes, request->genes, NAS_GENES);
  memcpy (result->point.costs, request->costs, sizeof result->point.costs);
  adze_status status = w.network ? train_all (&w, weights)
                                 : adze_fail (host, ADZE_E_MEMORY, "no room for a network of %d layers", NAS_LAYERS);
  adze_feed_runner_close (host, t->n->context, &w.runner);
  if (w.training)
    t->train->close (host, t->n->context, w.training);
  adze_feed_close (host, &w.feed);
  adze_feed_close (host, &w.watch_feed);
  host->release (host, w.network);
  return status;
}

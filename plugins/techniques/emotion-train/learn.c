/* SPDX-License-Identifier: Apache-2.0 */
/* learn.c: one logistic unit an emotion learns from some of the rows. A text is the numbers of its buckets and how much
 * each weighs, in so many places that most texts fit; the network gathers the weights of these buckets and sums them up,
 * so that a step touches what is in the texts, and not every bucket of every row. */
#include "emotions.h"

#include <math.h>
#include <stdlib.h>

static const char weights_name[] = "emotion.weights", biases_name[] = "emotion.biases";

typedef struct heavy {
  float value;
  uint32_t bucket;
} heavy;

typedef struct work {
  emo_run *r;
  emo_part part;
  const char *name;
  const float *idf;
  adze_graph *graph;
  adze_training *training;
  uint32_t scalar;
  size_t places;                        /* of a row's n-grams */
  double positive[ADZE_EMOTIONS];       /* what a row that has the emotion counts */
  heavy *sorted;                        /* n-grams of a row */
  size_t *order;                        /* of the rows in this epoch */
  uint64_t epoch;                       /* that ORDER is of, and 1 */
  int64_t *buckets;                     /* [batch][places] */
  float *values;                        /* [batch][1][places] */
  float *gold, *counts;                 /* [batch][8] */
  int64_t shapes[4][3];
  adze_view views[4];
  const adze_view *inputs[4];
} work;

/* ---- The network. */

static uint32_t
add_input (adze_nodes *b, const char *name, uint8_t code, uint8_t bits, int32_t rank, int64_t one, int64_t two)
{
  int64_t shape[3] = { 0, one, two };
  uint32_t value = ADZE_NONE;
  const adze_dtype dtype = { code, bits, 1 };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_symbol (b->host, b->graph, "batch", &shape[0]);
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_input (b->host, b->graph, name, dtype, rank, shape, &value);
  return value;
}

/* It begins with zeros: the loss has one valley, and wherever it begins, it ends there. */
static uint32_t
add_weight (adze_nodes *b, const char *name, int32_t rank, int64_t rows)
{
  const int64_t shape[] = { rows, ADZE_EMOTIONS };
  const adze_dtype dtype = { ADZE_FLOAT, 32, 1 };
  const size_t size = (size_t)(rank == 2 ? rows : 1) * ADZE_EMOTIONS * sizeof (float);
  uint32_t value = ADZE_NONE;
  void *zeros = b->host->allocate (b->host, size);
  if (b->status == ADZE_OK && !zeros)
    b->status = adze_fail (b->host, ADZE_E_MEMORY, "no room for the weights of %lld buckets", (long long)rows);
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_weight (b->host, b->graph, name, dtype, rank, rank == 2 ? shape : shape + 1, &value);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, value, zeros, size);
  b->host->release (b->host, zeros);
  return value;
}

/* The mean of counts * (log (1 + e^score) - gold * score): cross-entropy of each unit by itself. */
static uint32_t
add_loss (adze_nodes *b, uint32_t scores, uint32_t gold, uint32_t counts)
{
  const int64_t none = 0;
  const adze_graph_attribute keep = adze_nodes_int ("keepdims", &none);
  const uint32_t wide = adze_nodes_add (b, "Softplus", &scores, 1, NULL);
  const uint32_t apart = adze_nodes_pair (b, "Sub", wide, adze_nodes_pair (b, "Mul", gold, scores));
  const uint32_t counted = adze_nodes_pair (b, "Mul", apart, counts);
  return adze_nodes_add (b, "ReduceMean", &counted, 1, &keep);
}

static adze_status
build (work *w)
{
  const emo_run *r = w->r;
  const int64_t none = 0, middle = 1;
  const adze_graph_attribute keep = adze_nodes_int ("keepdims", &none);
  adze_nodes b;
  adze_status status = r->run->new_graph (r->host, r->context, "emotions", &w->graph);
  if (status != ADZE_OK || !adze_nodes_begin (&b, r->host, w->graph))
    return status != ADZE_OK ? status : b.status;
  const uint32_t buckets = add_input (&b, "buckets", ADZE_INT, 64, 2, (int64_t)w->places, 0);
  const uint32_t values = add_input (&b, "values", ADZE_FLOAT, 32, 3, 1, (int64_t)w->places);
  const uint32_t gold = add_input (&b, "gold", ADZE_FLOAT, 32, 2, ADZE_EMOTIONS, 0);
  const uint32_t counts = add_input (&b, "counts", ADZE_FLOAT, 32, 2, ADZE_EMOTIONS, 0);
  const uint32_t weights = add_weight (&b, weights_name, 2, (int64_t)r->settings.ngrams.buckets);
  const uint32_t biases = add_weight (&b, biases_name, 1, 0);
  const uint32_t met = adze_nodes_pair (&b, "MatMul", values, adze_nodes_pair (&b, "Gather", weights, buckets));
  const uint32_t axes[] = { met, adze_nodes_ints (&b, &middle, 1) };
  const uint32_t sums = adze_nodes_add (&b, "ReduceSum", axes, 2, &keep);
  w->scalar = add_loss (&b, adze_nodes_pair (&b, "Add", sums, biases), gold, counts);
  if (b.status == ADZE_OK)
    b.status = b.graphs->add_output (r->host, w->graph, w->scalar);
  return b.status == ADZE_OK ? b.graphs->verify (r->host, w->graph) : b.status;
}

/* ---- Batches. */

static int
by_value (const void *left, const void *right)
{
  const heavy *a = (const heavy *)left, *b = (const heavy *)right;
  if (a->value != b->value)
    return a->value > b->value ? -1 : 1;
  return a->bucket < b->bucket ? -1 : a->bucket > b->bucket;
}

/* One row; the places that it has no n-gram for weigh nothing, and of more n-grams than places the heaviest count. */
static void
lay_row (const work *w, size_t row, size_t at)
{
  const emo_rows *rows = &w->r->rows;
  const adze_ngram *items = rows->items + rows->starts[row];
  const size_t count = rows->starts[row + 1] - rows->starts[row];
  int64_t *buckets = w->buckets + at * w->places;
  float *values = w->values + at * w->places;
  double length = 0;
  for (size_t i = 0; i < count; i++) {
    w->sorted[i] = (heavy){ adze_emotion_value (w->idf[items[i].bucket], items[i].count), items[i].bucket };
    length += (double)w->sorted[i].value * w->sorted[i].value;
  }
  if (count > w->places)
    qsort (w->sorted, count, sizeof *w->sorted, by_value);
  for (size_t i = 0; i < w->places; i++) {
    buckets[i] = i < count ? w->sorted[i].bucket : 0;
    values[i] = i < count ? w->sorted[i].value / (float)sqrt (length) : 0;
  }
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
    const bool has = rows->gold[row] >> e & 1;
    w->gold[at * ADZE_EMOTIONS + e] = has;
    w->counts[at * ADZE_EMOTIONS + e] = has ? (float)w->positive[e] : 1;
  }
}

/* Each epoch has an order of its own, which depends on seed, name and number alone. */
static adze_status
shuffle (work *w, uint64_t epoch)
{
  if (w->epoch == epoch + 1)
    return ADZE_OK;
  memcpy (w->order, w->part.rows, w->part.count * sizeof *w->order);
  for (size_t i = w->part.count; i > 1; i--) {
    uint64_t number = 0;
    adze_random_fill (w->r->host, w->name, epoch * w->part.count + i - 1, &number, 1);
    const size_t other = (size_t)(number % i), row = w->order[i - 1];
    w->order[i - 1] = w->order[other];
    w->order[other] = row;
  }
  w->epoch = epoch + 1;
  return ADZE_OK;
}

static adze_status
next_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  work *w = (work *)argument;
  const size_t first = (size_t)number * w->r->settings.batch;
  *inputs = NULL;
  if (first >= w->part.count)
    return ADZE_OK;
  adze_status status = shuffle (w, epoch);
  const size_t left = w->part.count - first;
  const size_t count = left < w->r->settings.batch ? left : w->r->settings.batch;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    lay_row (w, w->order[first + i], i);
  for (int i = 0; i < 4; i++)
    w->shapes[i][0] = (int64_t)count;
  *inputs = w->inputs;
  return status;
}

static adze_status
after_epoch (void *argument, const adze_train_progress_info *progress)
{
  work *w = (work *)argument;
  emo_run *r = w->r;
  const uint64_t epochs = r->settings.epochs;
  return r->run->progress (r->host, r->context, r->jobs_done * epochs + progress->epoch, r->jobs * epochs)
             ? ADZE_OK
             : ADZE_E_CANCELLED;
}

/* ---- A training. */

/* Rare emotions are outvoted; a row that has one counts as much more as BALANCE says, 1 being until both sides are equal. */
static void
find_counts (work *w)
{
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++) {
    double have = 0;
    for (size_t i = 0; i < w->part.count; i++)
      have += w->r->rows.gold[w->part.rows[i]] >> e & 1;
    w->positive[e] = have > 0 ? pow (((double)w->part.count - have) / have, w->r->settings.balance) : 1;
  }
}

static void
set_view (work *w, int number, void *data, uint8_t code, uint8_t bits, int32_t rank, int64_t one, int64_t two)
{
  int64_t *shape = w->shapes[number];
  shape[1] = one;
  shape[2] = two;
  w->views[number] = (adze_view){ .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                                  .dtype = { code, bits, 1 }, .shape = shape };
  w->inputs[number] = &w->views[number];
}

static adze_status
make_room (work *w)
{
  const adze_host *host = w->r->host;
  const size_t batch = w->r->settings.batch, units = batch * ADZE_EMOTIONS;
  w->order = (size_t *)host->allocate (host, w->part.count * sizeof *w->order + 1);
  w->sorted = (heavy *)host->allocate (host, w->r->rows.longest * sizeof *w->sorted + 1);
  w->buckets = (int64_t *)host->allocate (host, batch * w->places * sizeof *w->buckets);
  w->values = (float *)host->allocate (host, batch * w->places * sizeof *w->values);
  w->gold = (float *)host->allocate (host, units * sizeof *w->gold);
  w->counts = (float *)host->allocate (host, units * sizeof *w->counts);
  if (!w->order || !w->sorted || !w->buckets || !w->values || !w->gold || !w->counts)
    return adze_fail (host, ADZE_E_MEMORY, "no room for batches of %zu rows of %zu n-grams", batch, w->places);
  set_view (w, 0, w->buckets, ADZE_INT, 64, 2, (int64_t)w->places, 0);
  set_view (w, 1, w->values, ADZE_FLOAT, 32, 3, 1, (int64_t)w->places);
  set_view (w, 2, w->gold, ADZE_FLOAT, 32, 2, ADZE_EMOTIONS, 0);
  set_view (w, 3, w->counts, ADZE_FLOAT, 32, 2, ADZE_EMOTIONS, 0);
  return ADZE_OK;
}

static void
close_work (work *w)
{
  const adze_host *host = w->r->host;
  if (w->training)
    w->r->train->close (host, w->r->context, w->training);
  host->release (host, w->order);
  host->release (host, w->sorted);
  host->release (host, w->buckets);
  host->release (host, w->values);
  host->release (host, w->gold);
  host->release (host, w->counts);
}

static adze_status
open_training (work *w)
{
  static const uint8_t looks[] = { ADZE_LOOKS_NEVER, ADZE_LOOKS_NEVER, ADZE_LOOKS_NEVER, ADZE_LOOKS_NEVER };
  static const adze_train_weight_rule rules[] = { { .name = biases_name, .no_decay = 1 } };
  const emo_settings *s = &w->r->settings;
  const uint64_t steps = (w->part.count + s->batch - 1) / s->batch * s->epochs;
  const adze_train_settings settings = {
    .struct_size = sizeof settings, .optimiser = ADZE_TRAIN_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8,
    .decay = s->decay, .schedule = ADZE_TRAIN_COSINE, .rule_size = sizeof rules[0], .rate = s->rate, .total = steps,
    .rules = rules, .rule_count = 1, .epochs = s->epochs, .batch = next_batch, .after_epoch = after_epoch,
    .argument = w, .looks = looks,
  };
  return w->r->train->open (w->r->host, w->r->context, w->graph, w->scalar, &settings, &w->training);
}

static const float *
numbers_of (const work *w, const char *name)
{
  return (const float *)w->r->graphs->value (w->graph, w->r->graphs->find_value (w->graph, name))->data;
}

adze_status
emo_learn (emo_run *r, emo_part part, const char *name, adze_emotion_model *model, double biases[ADZE_EMOTIONS])
{
  work w = { .r = r, .part = part, .name = name, .idf = model->idf };
  w.places = r->rows.longest < r->settings.most ? r->rows.longest : r->settings.most;
  emo_find_idf (r, part, model->idf);
  find_counts (&w);
  adze_status status = make_room (&w);
  if (status == ADZE_OK)
    status = build (&w);
  if (status == ADZE_OK)
    status = open_training (&w);
  if (status == ADZE_OK)
    status = r->train->run (r->host, w.training);
  if (status == ADZE_OK)
    status = r->train->give (r->host, w.training, w.graph, 0);
  if (status == ADZE_OK) {
    memcpy (model->weights, numbers_of (&w, weights_name),
            (size_t)r->settings.ngrams.buckets * ADZE_EMOTIONS * sizeof *model->weights);
    for (int e = 0; e < ADZE_EMOTIONS; e++)
      biases[e] = numbers_of (&w, biases_name)[e];
  }
  close_work (&w);
  r->jobs_done++;
  return status;
}

/* ---- Asking it. */

typedef struct scoring {
  const emo_run *r;
  emo_part part;
  const adze_emotion_model *model;
  float *scores;
} scoring;

static adze_status
score_some (void *argument, size_t first, size_t last)
{
  const scoring *s = (const scoring *)argument;
  const emo_rows *rows = &s->r->rows;
  for (size_t i = first; i < last; i++) {
    const size_t row = s->part.rows[i];
    const adze_ngrams ngrams
        = { .items = rows->items + rows->starts[row], .count = rows->starts[row + 1] - rows->starts[row] };
    adze_emotion_scores (s->model, &ngrams, s->scores + i * ADZE_EMOTIONS);
  }
  return ADZE_OK;
}

adze_status
emo_score (const emo_run *r, emo_part part, const adze_emotion_model *model, float *scores)
{
  scoring s = { r, part, model, scores };
  return adze_parallel_for (r->host, part.count, 256, score_some, &s);
}

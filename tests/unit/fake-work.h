/* SPDX-License-Identifier: Apache-2.0 */
/* A host that carries out a technique on small models: describe, observe, merge, decide, describe,
 * apply. Pieces are cut at random and handled on several threads, accumulators are merged in a tree
 * that is drawn as well: whatever is drawn, the result must have the same bytes. */
#ifndef FAKE_WORK_H
#define FAKE_WORK_H

#include "base/random.h"
#include "fake-host.h"

typedef struct fake_tensor {
  adze_tensor_meta meta;
  int64_t shape[4];
  char name[64];
  unsigned char *data;
} fake_tensor;

typedef struct fake_model {
  fake_tensor tensors[16];
  uint32_t count;
} fake_model;

typedef struct fake_group {
  adze_pick inputs[2];
  uint32_t input_count;
  int output; /* number of a tensor in the result; -1: there is none */
  bool same_bytes;
  char note[64];
} fake_group;

struct adze_outline {
  struct fake_run *run;
  bool final;
};

typedef struct fake_run {
  const adze_technique *technique;
  const adze_params *params;
  /* For the tensor of this name these parameters hold. */
  const char *rule_tensor;
  const adze_params *rule_params;
  fake_model models[2];
  uint32_t model_count;
  /* The tensor of this name has this trait. */
  const char *trait_tensor, *trait_id, *trait_json;
  uint64_t seed; /* of what the technique draws */
  uint64_t cut; /* seed of what is drawn; 0: nothing is cut */
  unsigned threads;
  bool twice; /* all is described and observed a second time by the same instance */
  /* The result. */
  fake_model out;
  fake_group groups[32];
  uint32_t group_count;
  bool taken[2][16];
  /* The network of the first model, a new one each time; NULL: it has none. And adze.graph/1. */
  adze_graph *(*network) (void);
  const adze_graph_service *graphs;
  char told[16384]; /* what was decided, a line each */
  char traits[2048]; /* that were given, a line each */
  unsigned events;
  unsigned rounds; /* how often all was observed */
} fake_run;

/* The run that is at work, for services that are handed nothing of it. */
static fake_run *fake_now;

static uint64_t
fake_draw (uint64_t *state)
{
  *state += UINT64_C (0x9e3779b97f4a7c15);
  uint64_t bits = *state;
  bits = (bits ^ bits >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  bits = (bits ^ bits >> 27) * UINT64_C (0x94d049bb133111eb);
  return bits ^ bits >> 31;
}

/* ---- Models. */

static size_t
fake_elements (const adze_tensor_meta *meta)
{
  size_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++)
    count *= (size_t)meta->shape[i];
  return count;
}

static size_t
fake_size (const adze_tensor_meta *meta)
{
  return fake_elements (meta) * (meta->dtype.bits / 8);
}

/* DATA is copied; NULL: it is left open. */
static fake_tensor *
fake_add (fake_model *model, const adze_tensor_meta *meta, const void *data)
{
  assert_in_range (model->count, 0, 15);
  fake_tensor *tensor = &model->tensors[model->count++];
  snprintf (tensor->name, sizeof tensor->name, "%s", meta->name);
  assert_in_range (meta->rank, 0, 4);
  memcpy (tensor->shape, meta->shape, (size_t)meta->rank * sizeof *tensor->shape);
  tensor->meta = *meta;
  tensor->meta.name = tensor->name;
  tensor->meta.shape = tensor->shape;
  tensor->meta.byte_size = fake_size (meta);
  tensor->data = malloc (fake_size (meta) + 1);
  assert_non_null (tensor->data);
  if (data)
    memcpy (tensor->data, data, fake_size (meta));
  return tensor;
}

static inline fake_tensor *
fake_give (fake_run *run, uint32_t port, const char *name, adze_dtype dtype, int64_t rows,
           int64_t columns, const void *data)
{
  const int64_t shape[2] = { rows, columns };
  const adze_tensor_meta meta = { .struct_size = sizeof meta, .rank = 2, .name = name,
                                  .shape = shape, .dtype = dtype };
  if (run->model_count <= port)
    run->model_count = port + 1;
  return fake_add (&run->models[port], &meta, data);
}

static inline fake_tensor *
fake_result (fake_run *run, const char *name)
{
  for (uint32_t i = 0; i < run->out.count; i++)
    if (strcmp (run->out.tensors[i].name, name) == 0)
      return &run->out.tensors[i];
  return NULL;
}

static void
fake_model_clear (fake_model *model)
{
  for (uint32_t i = 0; i < model->count; i++)
    free (model->tensors[i].data);
  model->count = 0;
}

static void
fake_run_clear (fake_run *run)
{
  fake_model_clear (&run->models[0]);
  fake_model_clear (&run->models[1]);
  fake_model_clear (&run->out);
}

/* ---- adze.outline/1. */

static uint32_t
fake_ports (const adze_host *host, const adze_outline *outline)
{
  (void)host;
  return outline->run->model_count;
}

static uint32_t
fake_tensors (const adze_host *host, const adze_outline *outline, uint32_t port)
{
  (void)host;
  return outline->run->models[port].count;
}

static const adze_tensor_meta *
fake_meta (const adze_host *host, const adze_outline *outline, adze_pick pick)
{
  (void)host;
  assert_true (pick.index < outline->run->models[pick.port].count);
  return &outline->run->models[pick.port].tensors[pick.index].meta;
}

static const adze_params *
fake_params_for (const fake_run *run, const char *name)
{
  return run->rule_tensor && strcmp (run->rule_tensor, name) == 0 ? run->rule_params
                                                                  : run->params;
}

static const adze_params *
fake_outline_params (const adze_host *host, const adze_outline *outline, adze_pick pick)
{
  return fake_params_for (outline->run, fake_meta (host, outline, pick)->name);
}

static bool
fake_is_final (const adze_host *host, const adze_outline *outline)
{
  (void)host;
  return outline->final;
}

static adze_status
fake_take_group (const adze_host *host, adze_outline *outline, const adze_group *group)
{
  fake_run *run = outline->run;
  assert_in_range (run->group_count, 0, 31);
  assert_in_range (group->input_count, 1, 2);
  assert_int_equal (group->output_count, run->technique->effect == ADZE_CHANGES ? 1 : 0);
  fake_group *kept = &run->groups[run->group_count++];
  *kept = (fake_group){ .input_count = group->input_count,
                        .output = -1,
                        .same_bytes = group->same_bytes };
  for (uint32_t i = 0; i < group->input_count; i++) {
    adze_pick pick = group->inputs[i];
    assert_int_equal (fake_elements (fake_meta (host, outline, pick)),
                      fake_elements (fake_meta (host, outline, group->inputs[0])));
    assert_false (run->taken[pick.port][pick.index]);
    run->taken[pick.port][pick.index] = true;
    kept->inputs[i] = pick;
  }
  snprintf (kept->note, sizeof kept->note, "%s", group->note ? group->note : "");
  if (group->output_count == 1) {
    kept->output = (int)run->out.count;
    fake_add (&run->out, group->outputs, NULL);
  }
  return ADZE_OK;
}

/* One tensor has one trait. */
static const char *
fake_trait (const adze_host *host, const adze_outline *outline, adze_pick pick, const char *id)
{
  const fake_run *run = outline->run;
  bool has = run->trait_tensor && strcmp (run->trait_id, id) == 0
             && strcmp (run->trait_tensor, fake_meta (host, outline, pick)->name) == 0;
  return has ? run->trait_json : NULL;
}

static adze_status
fake_set_trait (const adze_host *host, adze_outline *outline, const char *name, const char *id,
                const char *json)
{
  char *traits = outline->run->traits;
  size_t used = strlen (traits), room = sizeof outline->run->traits - used;
  (void)host;
  snprintf (traits + used, room, "%s %s %s\n", name, id, json ? json : "-");
  return ADZE_OK;
}

/* ---- adze.call/1. */

typedef struct fake_piece {
  const fake_group *group;
  uint64_t first;
  uint64_t count;
  adze_tensor inputs[2];
  int32_t rank; /* of each */
  int64_t shape[4];
  bool data_is_there;
  bool given;
  void *accumulator;
  adze_status status;
} fake_piece;

static fake_tensor *
fake_input_of (fake_run *run, const fake_group *group, size_t index)
{
  return &run->models[group->inputs[index].port].tensors[group->inputs[index].index];
}

static adze_status
fake_piece_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
                   const int64_t *shape, adze_view *out)
{
  (void)host;
  fake_piece *piece = call->piece;
  assert_true (piece->group->output >= 0 && piece->data_is_there && !piece->given);
  fake_tensor *tensor = &fake_now->out.tensors[piece->group->output];
  assert_true (adze_dtype_same (dtype, tensor->meta.dtype));
  /* What becomes a tensor of another shape is seen as a whole. */
  bool whole = fake_now->technique->grain == ADZE_GRAIN_TENSOR;
  int64_t *announced = whole ? tensor->shape : piece->shape;
  assert_int_equal (rank, piece->rank);
  assert_memory_equal (shape, announced, (size_t)rank * sizeof *shape);
  piece->given = true;
  *out = (adze_view){ .data = tensor->data + piece->first * (dtype.bits / 8),
                      .device = { ADZE_DEVICE_CPU, 0 },
                      .rank = piece->rank,
                      .dtype = dtype,
                      .shape = announced };
  return ADZE_OK;
}

static const adze_tensor *
fake_input (const adze_host *host, adze_call *call, size_t index)
{
  (void)host;
  return index < call->piece->group->input_count ? &call->piece->inputs[index] : NULL;
}

static void
fake_place (const adze_host *host, const adze_call *call, adze_place *place)
{
  (void)host;
  const fake_piece *piece = call->piece;
  *place = (adze_place){ piece->first, piece->count,
                         &fake_input_of (fake_now, piece->group, 0)->meta };
}

static const adze_params *
fake_call_params (const adze_host *host, const adze_call *call)
{
  (void)host;
  return fake_params_for (fake_now, fake_input_of (fake_now, call->piece->group, 0)->name);
}

/* ---- adze.decision/1 and adze.event/1. */

static void
fake_tell (const char *what, const char *name, const adze_field *fields, uint32_t count)
{
  size_t used = strlen (fake_now->told);
  char *to = fake_now->told + used, *end = fake_now->told + sizeof fake_now->told;
  to += snprintf (to, (size_t)(end - to), "%s %s", what, name);
  for (uint32_t i = 0; i < count; i++) {
    to += snprintf (to, (size_t)(end - to), " %s=", fields[i].key);
    if (fields[i].type == ADZE_FIELD_STRING)
      to += snprintf (to, (size_t)(end - to), "%s", fields[i].value.string);
    else if (fields[i].type == ADZE_FIELD_INT)
      to += snprintf (to, (size_t)(end - to), "%lld", (long long)fields[i].value.integer);
    else
      to += snprintf (to, (size_t)(end - to), "%.17g", fields[i].value.real);
  }
  snprintf (to, (size_t)(end - to), "\n");
}

static adze_status
fake_metric (const adze_host *host, const char *name, double value, const char *unit)
{
  (void)host;
  (void)unit;
  const adze_field field = { .key = "value", .type = ADZE_FIELD_FLOAT, .value = { .real = value } };
  fake_tell ("metric", name, &field, 1);
  return ADZE_OK;
}

static adze_status
fake_decided (const adze_host *host, const char *tensor, const adze_field *fields, uint32_t count)
{
  (void)host;
  fake_tell ("tensor", tensor, fields, count);
  return ADZE_OK;
}

static adze_status
fake_achieved (const adze_host *host, const char *name, double asked, double got)
{
  (void)host;
  const adze_field fields[]
      = { { .key = "asked", .type = ADZE_FIELD_FLOAT, .value = { .real = asked } },
          { .key = "got", .type = ADZE_FIELD_FLOAT, .value = { .real = got } } };
  fake_tell ("achieved", name, fields, 2);
  return ADZE_OK;
}

static adze_status
fake_row (const adze_host *host, const char *table, const adze_field *fields, uint32_t count)
{
  (void)host;
  fake_tell ("row", table, fields, count);
  return ADZE_OK;
}

static void
fake_emit (const adze_host *host, const adze_event *event)
{
  (void)host;
  (void)event;
  pthread_mutex_lock (&fake_lock);
  fake_now->events++;
  pthread_mutex_unlock (&fake_lock);
}

/* ---- adze.random/1. */

static void
fake_random (const adze_host *host, const char *stream, uint64_t first, uint64_t *out, size_t count)
{
  (void)host;
  adze_random_values (adze_random_key (fake_now->seed, "fake", stream), first, out, count);
}

static adze_status
fake_network (const adze_host *host, adze_outline *outline, adze_graph **graph)
{
  (void)host;
  *graph = outline->run->network ? outline->run->network () : NULL;
  return ADZE_OK;
}

static const void *
fake_work_services (const char *id)
{
  static const adze_random_service random = { .struct_size = sizeof random, .fill = fake_random };
  static const adze_outline_service outline = {
    .struct_size = sizeof outline, .ports = fake_ports, .count = fake_tensors,
    .tensor = fake_meta, .params = fake_outline_params, .is_final = fake_is_final,
    .group = fake_take_group, .trait = fake_trait, .set_trait = fake_set_trait,
    .network = fake_network,
  };
  static const adze_call_service call = {
    .struct_size = sizeof call, .output = fake_piece_output, .input = fake_input,
    .place = fake_place, .params = fake_call_params,
  };
  static const adze_decision_service decision = {
    .struct_size = sizeof decision, .metric = fake_metric, .tensor = fake_decided,
    .achieved = fake_achieved, .row = fake_row,
  };
  static const adze_event_service event = { .struct_size = sizeof event, .emit = fake_emit };
  if (strcmp (id, ADZE_OUTLINE) == 0)
    return &outline;
  if (strcmp (id, ADZE_CALL) == 0)
    return &call;
  if (strcmp (id, ADZE_DECISION) == 0)
    return &decision;
  if (strcmp (id, ADZE_RANDOM) == 0)
    return &random;
  if (strcmp (id, ADZE_GRAPH) == 0)
    return fake_now->graphs;
  return strcmp (id, ADZE_EVENT) == 0 ? &event : NULL;
}

/* ---- Pieces. */

typedef struct fake_pieces {
  fake_piece *list;
  size_t count;
  void *instance;
  bool observe;
  unsigned threads;
} fake_pieces;

/* Elements that are not cut apart. */
static int64_t
fake_row_of (const fake_run *run, const adze_tensor_meta *meta)
{
  int64_t row = run->technique->grain == ADZE_GRAIN_TENSOR ? (int64_t)fake_elements (meta)
                : run->technique->grain == ADZE_GRAIN_ROW && meta->rank > 0
                    ? meta->shape[meta->rank - 1]
                    : 1;
  return row > 0 ? row : 1;
}

/* Mostly some hundred elements, at times one or all that is left. */
static uint64_t
fake_length (uint64_t *state, uint64_t left)
{
  uint64_t bits = fake_draw (state);
  uint64_t length = bits % 8 == 0 ? 1 : bits % 8 == 1 ? left : 1 + (bits >> 8) % 700;
  return length < left ? length : left;
}

static void
fake_cut (fake_run *run, uint32_t from, uint32_t to, fake_pieces *pieces)
{
  size_t room = 0;
  uint64_t state = run->cut;
  for (uint32_t g = from; g < to; g++) {
    const fake_group *group = &run->groups[g];
    const adze_tensor_meta *meta = &fake_input_of (run, group, 0)->meta;
    uint64_t size = fake_elements (meta), row = (uint64_t)fake_row_of (run, meta);
    for (uint64_t first = 0; first < size && !group->same_bytes;) {
      uint64_t count = run->cut == 0 ? size : fake_length (&state, size - first);
      count = (count + row - 1) / row * row;
      if (pieces->count == room) {
        room = room ? room * 2 : 16;
        pieces->list = realloc (pieces->list, room * sizeof *pieces->list);
        assert_non_null (pieces->list);
      }
      pieces->list[pieces->count++]
          = (fake_piece){ .group = group, .first = first, .count = count, .data_is_there = true };
      first += count;
    }
  }
}

/* As a technique of its grain is shown it. */
static void
fake_shape (const fake_run *run, const adze_tensor_meta *meta, fake_piece *piece)
{
  int64_t row = fake_row_of (run, meta);
  if (run->technique->grain == ADZE_GRAIN_TENSOR) {
    piece->rank = meta->rank;
    memcpy (piece->shape, meta->shape, (size_t)meta->rank * sizeof *meta->shape);
    return;
  }
  piece->rank = run->technique->grain == ADZE_GRAIN_ROW ? 2 : 1;
  piece->shape[0] = (int64_t)piece->count / row;
  piece->shape[1] = row;
}

static void
fake_fill_inputs (fake_run *run, fake_piece *piece)
{
  fake_shape (run, &fake_input_of (run, piece->group, 0)->meta, piece);
  for (uint32_t i = 0; i < piece->group->input_count; i++) {
    fake_tensor *tensor = fake_input_of (run, piece->group, i);
    size_t size = tensor->meta.dtype.bits / 8;
    piece->inputs[i] = (adze_tensor){ .struct_size = sizeof (adze_tensor),
                                      .name = tensor->name,
                                      .view = { .data = tensor->data + piece->first * size,
                                                .device = { ADZE_DEVICE_CPU, 0 },
                                                .rank = piece->rank,
                                                .dtype = tensor->meta.dtype,
                                                .shape = piece->shape },
                                      .codec = tensor->meta.codec,
                                      .byte_size = piece->count * size };
  }
}

static void
fake_one (fake_run *run, const fake_pieces *pieces, fake_piece *piece)
{
  fake_fill_inputs (run, piece);
  adze_call call = { .piece = piece };
  if (pieces->observe) {
    piece->status = run->technique->observe (&fake_host, pieces->instance, &call,
                                             &piece->inputs[0], piece->accumulator);
    return;
  }
  piece->status
      = run->technique->apply (&fake_host, pieces->instance, &call, &piece->inputs[0]);
  if (piece->status == ADZE_OK && !piece->given && piece->group->output >= 0)
    memcpy (run->out.tensors[piece->group->output].data
                + piece->first * (piece->inputs[0].view.dtype.bits / 8),
            piece->inputs[0].view.data, piece->inputs[0].byte_size);
}

typedef struct fake_worker {
  fake_run *run;
  fake_pieces *pieces;
  unsigned number;
} fake_worker;

static void *
fake_work_on (void *argument)
{
  const fake_worker *worker = argument;
  for (size_t i = worker->number; i < worker->pieces->count; i += worker->pieces->threads)
    fake_one (worker->run, worker->pieces, &worker->pieces->list[i]);
  return NULL;
}

/* The status of the first piece that failed. */
static adze_status
fake_all_pieces (fake_run *run, fake_pieces *pieces)
{
  pthread_t threads[8];
  fake_worker workers[8];
  pieces->threads = run->threads ? run->threads : 1;
  for (unsigned i = 0; i < pieces->threads; i++) {
    workers[i] = (fake_worker){ run, pieces, i };
    assert_int_equal (pthread_create (&threads[i], NULL, fake_work_on, &workers[i]), 0);
  }
  for (unsigned i = 0; i < pieces->threads; i++)
    pthread_join (threads[i], NULL);
  for (size_t i = 0; i < pieces->count; i++)
    if (pieces->list[i].status != ADZE_OK)
      return pieces->list[i].status;
  return ADZE_OK;
}

/* Merges the accumulators of the pieces FIRST to LAST - 1 into the first one's. */
static void
fake_merge (fake_run *run, fake_pieces *pieces, size_t first, size_t last, uint64_t *state)
{
  if (last - first < 2)
    return;
  size_t middle = first + 1 + fake_draw (state) % (last - first - 1);
  fake_merge (run, pieces, first, middle, state);
  fake_merge (run, pieces, middle, last, state);
  assert_int_equal (run->technique->merge (&fake_host, pieces->instance,
                                           pieces->list[first].accumulator,
                                           pieces->list[middle].accumulator),
                    ADZE_OK);
}

/* Observes the groups FROM to TO - 1 and decides on them. */
static adze_status
fake_observe (fake_run *run, void *instance, uint32_t from, uint32_t to, bool *again)
{
  const adze_technique *technique = run->technique;
  size_t size = technique->accumulator (&fake_host, instance);
  fake_pieces pieces = { .instance = instance, .observe = true };
  uint64_t state = run->cut;
  fake_cut (run, from, to, &pieces);
  unsigned char *memory = calloc (pieces.count + 1, size);
  assert_non_null (memory);
  for (size_t i = 0; i < pieces.count; i++)
    pieces.list[i].accumulator = memory + i * size;
  adze_status status = fake_all_pieces (run, &pieces);
  if (status == ADZE_OK) {
    fake_merge (run, &pieces, 0, pieces.count, &state);
    fake_piece whole = { .group = &run->groups[from] };
    adze_call call = { .piece = &whole };
    status = technique->decide (&fake_host, instance,
                                technique->accumulate == ADZE_OVER_GROUP ? &call : NULL, memory,
                                again);
  }
  free (memory);
  free (pieces.list);
  return status;
}

static adze_status
fake_decide (fake_run *run, void *instance)
{
  bool again = true;
  while (again) {
    adze_status status = ADZE_OK;
    bool each = run->technique->accumulate == ADZE_OVER_GROUP;
    again = false;
    run->rounds++;
    for (uint32_t g = 0; status == ADZE_OK && each && g < run->group_count; g++)
      status = fake_observe (run, instance, g, g + 1, &again);
    if (status == ADZE_OK)
      status = each ? run->technique->decide (&fake_host, instance, NULL, NULL, &again)
                    : fake_observe (run, instance, 0, run->group_count, &again);
    if (status != ADZE_OK)
      return status;
    assert_in_range (run->rounds, 1, 9);
  }
  return ADZE_OK;
}

static adze_status
fake_describe (fake_run *run, void *instance, bool final)
{
  adze_outline outline = { run, final };
  run->group_count = 0;
  run->traits[0] = '\0';
  memset (run->taken, 0, sizeof run->taken);
  fake_model_clear (&run->out);
  return run->technique->describe (&fake_host, instance, &outline);
}

static adze_status
fake_apply (fake_run *run, void *instance)
{
  fake_pieces pieces = { .instance = instance };
  for (uint32_t g = 0; g < run->group_count; g++)
    if (run->groups[g].same_bytes) {
      fake_tensor *to = &run->out.tensors[run->groups[g].output];
      memcpy (to->data, fake_input_of (run, &run->groups[g], 0)->data, fake_size (&to->meta));
    }
  for (uint32_t i = 0; i < run->models[0].count; i++)
    if (!run->taken[0][i])
      fake_add (&run->out, &run->models[0].tensors[i].meta, run->models[0].tensors[i].data);
  if (!run->technique->apply)
    return ADZE_OK;
  fake_cut (run, 0, run->group_count, &pieces);
  adze_status status = fake_all_pieces (run, &pieces);
  free (pieces.list);
  return status;
}

/* The technique's whole life. */
static adze_status
fake_work (fake_run *run)
{
  const adze_technique *technique = run->technique;
  void *instance = NULL;
  fake_now = run;
  fake_more_services = fake_work_services;
  fake_reason[0] = '\0';
  run->events = 0;
  adze_status status
      = technique->create ? technique->create (&fake_host, run->params, &instance) : ADZE_OK;
  assert_int_equal (status, ADZE_OK);
  for (int time = run->twice ? 0 : 1; status == ADZE_OK && time < 2; time++) {
    run->told[0] = '\0';
    run->rounds = 0;
    status = fake_describe (run, instance, false);
    if (status == ADZE_OK && technique->accumulator)
      status = fake_decide (run, instance);
  }
  if (status == ADZE_OK && technique->accumulator)
    status = fake_describe (run, instance, true);
  if (status == ADZE_OK && technique->effect == ADZE_CHANGES)
    status = fake_apply (run, instance);
  if (technique->destroy)
    technique->destroy (&fake_host, instance);
  return status;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* graph/train_graph.c: the graph of a step: what trains, its gradients, and what takes its
 * place. */
#include <math.h>
#include <string.h>

#include <adze/numbers.h>

#include "base/digest.h"
#include "base/file.h"
#include "graph/train_private.h"

static uint32_t
two (adze_gradient *g, const char *op, uint32_t a, uint32_t b)
{
  return adze_op (g, op, a, b, ADZE_END);
}

/* ---- What the loss depends on. */

static bool
is_batch_norm (const adze_graph_node *node)
{
  return node && !node->domain[0] && strcmp (node->op, "BatchNormalization") == 0
         && node->input_count == 5;
}

bool
adze_train_is_reached (const adze_graph_node *node, const bool *reached)
{
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE && reached[node->outputs[i]])
      return true;
  return false;
}

adze_error *
adze_train_reach (const adze_trainer *t, bool *reached)
{
  const uint32_t *order;
  size_t count;
  ADZE_TRY (adze_graph_order (t->graph, &order, &count));
  reached[t->loss] = true;
  for (size_t n = count; n-- > 0;) {
    const adze_graph_node *node = t->graph->nodes[order[n]];
    bool needed = adze_train_is_reached (node, reached);
    for (size_t i = 0; needed && i < node->input_count; i++)
      if (node->inputs[i] != ADZE_NONE)
        reached[node->inputs[i]] = true;
  }
  return NULL;
}

static const adze_train_weight *
wish_for (const adze_trainer_options *options, const char *name)
{
  for (size_t i = 0; i < options->weight_count; i++)
    if (strcmp (options->weights[i].name, name) == 0)
      return &options->weights[i];
  return NULL;
}

/* Are the elements that MASK holds at zero zero already? */
static bool
has_zeros (const adze_graph_value *value, const uint8_t *mask)
{
  size_t count = 1, size = value->dtype.bits / 8;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (size_t)value->shape[i];
  if (!value->data || !adze_dtype_is_float (value->dtype))
    return false;
  for (size_t i = 0; i < count; i++) {
    double number = 0;
    if (!mask[i])
      adze_doubles_read (value->dtype, (const char *)value->data + i * size, 1, &number);
    if (number != 0)
      return false;
  }
  return true;
}

static adze_error *
check_wishes (const adze_graph *graph, const adze_trainer_options *options, const bool *reached)
{
  for (size_t i = 0; i < options->weight_count; i++) {
    const adze_train_weight *wish = &options->weights[i];
    uint32_t value = adze_graph_find (graph, wish->name);
    if (value == ADZE_NONE || graph->values[value]->role != ADZE_ROLE_WEIGHT)
      return adze_error_new (ADZE_E_NOT_FOUND,
                             "something is said of the training of '%s', and graph '%s' has no "
                             "weight of this name",
                             wish->name, graph->name);
    /* Zeros of what does not train stay zeros; nothing else becomes one. */
    if (wish->mask && (wish->frozen || !reached[value]) && !has_zeros (graph->values[value], wish->mask))
      return adze_error_new (ADZE_E_PARAM,
                             "the weight '%s' has a mask, and does not train: %s", wish->name,
                             wish->frozen ? "it is frozen"
                                          : "it is a setting, or the loss does not depend on it");
    if (wish->next && (wish->frozen || wish->mask))
      return adze_error_new (ADZE_E_CONTRACT,
                             "the weight '%s' becomes '%s' after each step, and is %s; it can be one of them", wish->name,
                             wish->next, wish->frozen ? "frozen" : "masked");
  }
  return NULL;
}

/* ---- What is carried. */

static adze_error *
add_carried (adze_trainer *t, uint32_t number, size_t *index)
{
  ADZE_TRY (adze_graph_grow (&t->carried, &t->carried_room, t->carried_count, sizeof *t->carried));
  const adze_graph_value *value = t->graph->values[number];
  adze_carried *c = &t->carried[t->carried_count];
  int64_t *shape = adze_arena_take (&t->graph->arena, ((size_t)value->rank + 1) * sizeof *shape);
  if (!shape)
    return adze_error_memory ();
  for (int32_t i = 0; i < value->rank; i++)
    shape[i] = value->shape[i];
  *c = (adze_carried){ .value = number, .next = ADZE_NONE, .average = ADZE_NO_AVERAGE, .name = strdup (value->name) };
  c->view = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 }, .rank = value->rank,
                         .dtype = value->dtype, .shape = shape };
  c->size = adze_view_count (&c->view) * value->dtype.bits / 8;
  size_t room = (c->size / 64 + 1) * 64;
  c->now = aligned_alloc (64, room);
  c->view.data = c->now;
  *index = t->carried_count++; /* what there is of it is given back with the trainer */
  if (!c->name || !c->now)
    return adze_error_memory ();
  if (value->data)
    memcpy (c->now, value->data, c->size);
  else
    memset (c->now, 0, room);
  return adze_graph_set_data (t->graph, number, c->now, c->size, false);
}

/* Graphs of models have sizes and numbers of all weights; those built by hand need not. */
static adze_error *
check_weight (const adze_graph_value *value)
{
  bool sized = value->rank >= 0;
  for (int32_t i = 0; i < value->rank; i++)
    sized = sized && value->shape[i] >= 0;
  if (!sized)
    return adze_error_new (ADZE_E_FORMAT, "the shape of the weight '%s' is not known", value->name);
  if (!value->data)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the weight '%s' has no numbers; they must be loaded before it trains",
                           value->name);
  return NULL;
}

/* Ones and zeros of the weight's type, and zeros in the weight itself. */
static adze_error *
add_mask (adze_trainer *t, adze_trained *one, const uint8_t *mask)
{
  adze_carried *c = &t->carried[one->carried];
  size_t count = adze_view_count (&c->view);
  bool is_double = c->view.dtype.bits == 64;
  ADZE_AUTO_FREE void *numbers = malloc (c->size + 1);
  if (!numbers)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++) {
    if (is_double)
      ((double *)numbers)[i] = mask[i] != 0;
    else
      ((float *)numbers)[i] = mask[i] != 0;
    if (!mask[i])
      memset ((char *)c->now + i * c->size / count, 0, c->size / count);
  }
  adze_view view = c->view;
  view.data = numbers;
  return adze_graph_add_constant (t->graph, NULL, &view, &one->mask);
}

static adze_error *
too_small (const adze_graph_value *value)
{
  return adze_error_new (ADZE_E_UNSUPPORTED,
                         "the weight '%s' is of a float type of %u bits, in which small steps are "
                         "lost; freeze it, or make it one of 32 bits",
                         value->name, value->dtype.bits);
}

static adze_error *
add_trained (adze_trainer *t, uint32_t number, const adze_train_weight *wish)
{
  const adze_graph_value *value = t->graph->values[number];
  adze_trained *one = &t->trained[t->trained_count];
  if (value->dtype.code != ADZE_FLOAT || value->dtype.bits < 32)
    return too_small (value);
  *one = (adze_trained){ .value = number, .mask = ADZE_NONE, .decays = !wish || !wish->no_decay };
  ADZE_TRY (add_carried (t, number, &one->carried));
  t->trained_count++;
  return wish && wish->mask ? add_mask (t, one, wish->mask) : NULL;
}

static adze_error *
choose_weights (adze_trainer *t, const adze_trainer_options *options)
{
  size_t values = t->graph->value_count;
  ADZE_AUTO_FREE bool *reached = calloc (values + 1, sizeof *reached);
  ADZE_AUTO_FREE const char **why = calloc (values + 1, sizeof *why);
  t->trained = calloc (values + 1, sizeof *t->trained);
  if (!reached || !why || !t->trained)
    return adze_error_memory ();
  ADZE_TRY (adze_train_reach (t, reached));
  for (size_t i = 0; i < values; i++)
    if (reached[i] && t->graph->values[i]->role == ADZE_ROLE_WEIGHT)
      ADZE_TRY (check_weight (t->graph->values[i]));
  ADZE_TRY (adze_train_find_settings (t, reached, why));
  ADZE_TRY (check_wishes (t->graph, options, reached));
  for (uint32_t i = 0; i < values; i++) {
    const adze_graph_value *value = t->graph->values[i];
    if (!adze_train_could (value) || (!reached[i] && !why[i]))
      continue;
    const adze_train_weight *wish = wish_for (options, value->name);
    if (!wish || (!wish->frozen && !wish->next))
      ADZE_TRY (why[i] ? adze_train_leave (t, value->name, why[i]) : add_trained (t, i, wish));
  }
  ADZE_TRY (adze_train_leave_bodies (t));
  if (t->trained_count)
    return NULL;
  return adze_error_new (ADZE_E_PARAM, "no weight of graph '%s' is left to train: the loss '%s' "
                                       "depends on none that is a float and not frozen",
                         t->graph->name, t->graph->values[t->loss]->name);
}

static bool
same_type (const adze_graph_value *a, const adze_graph_value *b)
{
  bool same = a->dtype.code == b->dtype.code && a->dtype.bits == b->dtype.bits && a->rank == b->rank;
  for (int32_t i = 0; same && i < a->rank; i++)
    same = a->shape[i] == b->shape[i];
  return same;
}

/* What somebody says of a weight becomes of it. */
static adze_error *
carry_wished (adze_trainer *t, const adze_trainer_options *options)
{
  for (size_t i = 0; i < options->weight_count; i++) {
    const adze_train_weight *wish = &options->weights[i];
    size_t index;
    if (!wish->next)
      continue;
    uint32_t value = adze_graph_find (t->graph, wish->name), next = adze_graph_find (t->graph, wish->next);
    if (next == ADZE_NONE || !same_type (t->graph->values[value], t->graph->values[next]))
      return adze_error_new (ADZE_E_CONTRACT,
                             "the weight '%s' is to become '%s' after each step, and graph '%s' has no value of this "
                             "name that is of its type and shape",
                             wish->name, wish->next, t->graph->name);
    ADZE_TRY (check_weight (t->graph->values[value]));
    ADZE_TRY (add_carried (t, value, &index));
    t->carried[index].next = next;
  }
  return NULL;
}

/* Running statistics, where they are weights, new ones are given, and nobody wishes others. */
static adze_error *
carry_statistics (adze_trainer *t, const adze_trainer_options *options)
{
  for (size_t n = 0; n < t->graph->node_count; n++) {
    const adze_graph_node *node = t->graph->nodes[n];
    if (!is_batch_norm (node) || !adze_node_int (node, "training_mode", 0))
      continue;
    for (size_t i = 1; i < node->output_count && i < 3; i++) {
      const adze_graph_value *before = t->graph->values[node->inputs[2 + i]];
      size_t index;
      if (node->outputs[i] == ADZE_NONE || before->role != ADZE_ROLE_WEIGHT)
        continue;
      const adze_train_weight *wish = wish_for (options, before->name);
      if (wish && wish->next)
        continue;
      for (size_t c = 0; c < t->carried_count; c++)
        if (t->carried[c].value == node->inputs[2 + i])
          return adze_error_new (ADZE_E_UNSUPPORTED,
                                 "the statistics '%s' belong to two layers, and each would give it "
                                 "other numbers",
                                 before->name);
      ADZE_TRY (check_weight (before));
      ADZE_TRY (add_carried (t, node->inputs[2 + i], &index));
      t->carried[index].next = node->outputs[i];
    }
  }
  return NULL;
}

/* ---- Gradients. */

static adze_error *
differentiate (adze_trainer *t)
{
  size_t count = t->trained_count;
  ADZE_AUTO_FREE uint32_t *values = calloc (count, sizeof *values);
  ADZE_AUTO_FREE uint32_t *gradients = calloc (count, sizeof *gradients);
  if (!values || !gradients)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    values[i] = t->trained[i].value;
  ADZE_TRY (adze_graph_differentiate (t->graph, t->loss, values, count, gradients));
  adze_gradient g = { .graph = t->graph };
  for (size_t i = 0; i < count; i++)
    t->trained[i].gradient = t->trained[i].mask == ADZE_NONE
                                 ? gradients[i]
                                 : two (&g, "Mul", gradients[i], t->trained[i].mask);
  return g.error;
}

static uint32_t
as_type_of (adze_gradient *g, uint32_t value, uint32_t like)
{
  if (g->error
      || g->graph->values[value]->dtype.bits == g->graph->values[like]->dtype.bits)
    return value;
  return two (g, "CastLike", value, like);
}

/* All gradients are shortened by the same factor: 1, exactly, where they are short enough
 * together. */
static adze_error *
clip (adze_trainer *t)
{
  adze_gradient g = { .graph = t->graph };
  uint32_t sum = ADZE_NONE;
  const int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  if (t->options.clip == 0)
    return NULL;
  for (size_t i = 0; i < t->trained_count; i++) {
    uint32_t squares = adze_op_with (&g, "", "ReduceSumSquare", &t->trained[i].gradient, 1,
                                     &attribute, 1);
    sum = sum == ADZE_NONE ? squares : two (&g, "Add", sum, as_type_of (&g, squares, sum));
  }
  if (g.error)
    return g.error;
  uint32_t length = adze_op (&g, "Sqrt", sum, ADZE_END);
  uint32_t most = adze_op_number (&g, t->options.clip, sum);
  uint32_t factor = two (&g, "Div", most, two (&g, "Max", length, most));
  for (size_t i = 0; i < t->trained_count; i++)
    t->trained[i].gradient = two (&g, "Mul", t->trained[i].gradient,
                                  as_type_of (&g, factor, t->trained[i].gradient));
  return g.error;
}

/* ---- Updates. */

static adze_error *
add_scalars (adze_trainer *t, adze_train_scalars *s, bool is_double)
{
  static const char *const names[ADZE_SCALARS] = { "rate", "least", "kept", "share" };
  const adze_dtype dtype = { ADZE_FLOAT, is_double ? 64 : 32, 1 };
  for (size_t i = 0; i < ADZE_SCALARS; i++) {
    char name[32];
    if (i == ADZE_SCALAR_SHARE && !t->options.optimiser.average)
      continue;
    snprintf (name, sizeof name, "%%%s.%u", names[i], dtype.bits);
    ADZE_TRY (adze_graph_add_input (t->graph, name, dtype, 0, NULL, &s->values[i]));
    s->views[i] = (adze_view){ .data = is_double ? (void *)&s->doubles[i] : (void *)&s->singles[i],
                               .device = { ADZE_DEVICE_CPU, 0 }, .dtype = dtype };
  }
  return NULL;
}

/* Numbers like those of a weight, zeros at first, that are no part of the model. */
static adze_error *
add_state (adze_trainer *t, const adze_trained *one, const char *word, uint32_t *state, size_t *index)
{
  const adze_graph_value *value = t->graph->values[one->value];
  ADZE_AUTO_FREE char *name = adze_text_format ("%%%s.%s", value->name, word);
  if (!name)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_add_weight (t->graph, name, value->dtype, value->rank, value->shape, state));
  ADZE_TRY (add_carried (t, *state, index));
  t->carried[*index].state = true;
  return NULL;
}

static adze_error *
add_states (adze_trainer *t, const adze_trained *one, adze_update *u, size_t *indices)
{
  for (size_t i = 0; i < adze_optimiser_states (t->options.optimiser.kind); i++)
    ADZE_TRY (add_state (t, one, adze_optimiser_state_name (t->options.optimiser.kind, i), &u->states[i],
                         &indices[i]));
  return NULL;
}

/* Of the weights in front of each step, so that nothing waits for those that it makes: backends do the whole of an
 * update in one loop, and this would be in its way. The share of the first step is 1. */
static adze_error *
add_average (adze_trainer *t, const adze_trained *one, uint32_t share)
{
  adze_gradient g = { .graph = t->graph };
  uint32_t average;
  size_t index;
  if (!t->options.optimiser.average)
    return NULL;
  ADZE_TRY (add_state (t, one, "average", &average, &index));
  uint32_t way = two (&g, "Sub", one->value, average);
  t->carried[index].next = two (&g, "Add", average, two (&g, "Mul", way, share));
  t->carried[one->carried].average = index;
  return g.error;
}

static adze_error *
update (adze_trainer *t, const adze_trained *one)
{
  adze_gradient g = { .graph = t->graph };
  size_t indices[ADZE_OPTIMISER_STATES];
  bool is_double = t->graph->values[one->value]->dtype.bits == 64;
  adze_train_scalars *s = &t->scalars[is_double ? ADZE_TRAIN_DOUBLE : ADZE_TRAIN_SINGLE];
  adze_update u = { .optimiser = &t->options.optimiser, .decays = one->decays,
                    .weight = one->value, .gradient = one->gradient };
  if (s->values[0] == ADZE_NONE)
    ADZE_TRY (add_scalars (t, s, is_double));
  memcpy (u.scalars, s->values, sizeof u.scalars);
  ADZE_TRY (add_average (t, one, s->values[ADZE_SCALAR_SHARE]));
  ADZE_TRY (add_states (t, one, &u, indices));
  adze_optimiser_update (&g, &u);
  /* Its gradient is masked, and a rule keeps zeros zeros by itself; this holds for rules to come. */
  if (one->mask != ADZE_NONE)
    u.new_weight = two (&g, "Mul", u.new_weight, one->mask);
  t->carried[one->carried].next = u.new_weight;
  for (size_t i = 0; i < adze_optimiser_states (t->options.optimiser.kind); i++)
    t->carried[indices[i]].next = u.new_states[i];
  return g.error;
}

static adze_error *
give_outputs (adze_trainer *t)
{
  t->graph->outputs.count = 0; /* what the network gives is of no use here, and takes memory */
  ADZE_TRY (adze_graph_add_output (t->graph, t->loss));
  for (size_t i = 0; i < t->carried_count; i++)
    ADZE_TRY (adze_graph_add_output (t->graph, t->carried[i].next));
  return NULL;
}

/* ---- All of it. */

static adze_error *
copy_graph (adze_trainer *t, adze_graph *graph, uint32_t loss)
{
  const adze_graph_value *value = adze_graph_value_at (graph, loss);
  const uint32_t *order;
  size_t count;
  if (!value || value->dtype.code != ADZE_FLOAT || value->dtype.bits < 32)
    return adze_error_new (ADZE_E_FORMAT, "the loss '%s' is not one float of 32 or 64 bits",
                           value ? value->name : "that is none of the graph's values");
  ADZE_TRY (adze_graph_order (graph, &order, &count));
  ADZE_TRY (adze_graph_copy (graph, &t->graph));
  t->loss = adze_graph_find (t->graph, value->name);
  if (t->loss == ADZE_NONE)
    return adze_error_new (ADZE_E_CONTRACT, "no node makes the loss '%s'", value->name);
  t->batch_inputs = t->graph->inputs.count;
  return adze_graph_verify (t->graph);
}

/* Numbers that stay what they are. Those that are carried are what training makes of them. */
static bool
is_fixed (const adze_trainer *t, uint32_t number)
{
  const adze_graph_value *value = t->graph->values[number];
  if (!value->data || (value->role != ADZE_ROLE_CONSTANT && value->role != ADZE_ROLE_WEIGHT))
    return false;
  for (size_t i = 0; i < t->carried_count; i++)
    if (t->carried[i].value == number)
      return false;
  return true;
}

static void
add_hash (const adze_graph_value *value, adze_buffer *into)
{
  size_t size = value->dtype.bits / 8;
  for (int32_t i = 0; i < value->rank; i++)
    size *= (size_t)value->shape[i];
  uint64_t hash = adze_hash64 (value->data, size, 0);
  adze_buffer_add (into, &hash, sizeof hash);
}

/* Names, shapes and operators are in the graph's text; numbers are not. */
static adze_error *
take_fingerprint (adze_trainer *t, const adze_trainer_options *options)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  const adze_optimiser *o = &options->optimiser;
  const adze_schedule *s = &options->schedule;
  const double numbers[] = { (double)o->kind, o->momentum,        o->beta1,
                             o->beta2,        o->epsilon,         o->decay,
                             options->clip,   (double)s->kind,    s->rate,
                             s->factor,       (double)s->warm_up, (double)s->every,
                             s->least,        (double)s->total,   s->power,
                             (double)o->average };
  adze_graph_show (t->graph, &text);
  adze_buffer_add (&text, numbers, sizeof numbers);
  for (uint32_t i = 0; i < t->graph->value_count; i++)
    if (is_fixed (t, i))
      add_hash (t->graph->values[i], &text);
  if (text.failed)
    return adze_error_memory ();
  t->fingerprint = adze_hash64 (text.data, text.size, 0);
  return NULL;
}

adze_error *
adze_train_build (adze_trainer *t, adze_graph *graph, uint32_t loss,
                  const adze_trainer_options *options)
{
  for (size_t i = 0; i < ADZE_SCALARS; i++)
    t->scalars[ADZE_TRAIN_SINGLE].values[i] = t->scalars[ADZE_TRAIN_DOUBLE].values[i] = ADZE_NONE;
  ADZE_TRY (copy_graph (t, graph, loss));
  ADZE_TRY (adze_train_drop (t, options->seed));
  t->network_nodes = t->graph->node_count;
  ADZE_TRY (choose_weights (t, options));
  ADZE_TRY (carry_wished (t, options));
  ADZE_TRY (carry_statistics (t, options));
  ADZE_TRY (differentiate (t));
  ADZE_TRY (clip (t));
  for (size_t i = 0; i < t->trained_count; i++)
    ADZE_TRY (update (t, &t->trained[i]));
  ADZE_TRY (give_outputs (t));
  ADZE_TRY (take_fingerprint (t, options));
  return adze_train_place (t);
}

/* ---- Networks as they are used, made ready. */

static adze_error *
train_batch_norm (adze_graph *graph, const adze_graph_node *node)
{
  const int64_t one = 1;
  const adze_graph_attribute mode = adze_attribute_int ("training_mode", &one);
  const char *names[] = { graph->values[node->outputs[0]]->name, NULL, NULL };
  uint32_t outputs[3];
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .domain = node->domain,
                              .op = node->op,
                              .name = node->name,
                              .inputs = node->inputs,
                              .input_count = node->input_count,
                              .output_names = names,
                              .output_count = 3,
                              .attributes = node->attributes,
                              .attribute_count = node->attribute_count };
  adze_graph_remove_node (graph, node->number);
  ADZE_TRY (adze_graph_add_node (graph, &recipe, outputs));
  return adze_graph_set_attribute (graph, graph->values[outputs[0]]->node, &mode);
}

adze_error *
adze_graph_set_training (adze_graph *graph)
{
  size_t count = graph->node_count; /* what is added needs nothing any more */
  for (size_t n = 0; n < count; n++)
    if (is_batch_norm (graph->nodes[n]) && graph->nodes[n]->outputs[0] != ADZE_NONE
        && !adze_node_int (graph->nodes[n], "training_mode", 0))
      ADZE_TRY (train_batch_norm (graph, graph->nodes[n]));
  ADZE_TRY (adze_train_let_drop (graph));
  return adze_graph_verify (graph);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* qat: nodes that send numbers to the levels of a grid, and let gradients pass as though they had not.
 *
 * y = step * round (clip (x / step)). What flows back to x is what came, where x lies inside the grid. The step gets
 * the sum of what came times (y - x) / step inside, and times the last level outside. Nodes would find the same by
 * their rules, multiplied by the step and divided by it again: what is attached to them here leaves that out. */
#include "qat.h"

#include <math.h>

/* ---- Nodes. */

static uint32_t
add (adze_nodes *b, const char *domain, const char *op, const uint32_t *inputs, size_t count)
{
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .domain = domain,
                                    .op = op,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .output_count = 1 };
  uint32_t made = ADZE_NONE;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_node (b->host, b->graph, &recipe, &made);
  return made;
}

uint32_t
qat_constant (adze_nodes *b, const float *numbers, int32_t rank, const int64_t *shape)
{
  uint32_t made = ADZE_NONE;
  const adze_view view = { .data = (void *)(uintptr_t)numbers,
                           .device = { ADZE_DEVICE_CPU, 0 },
                           .dtype = { ADZE_FLOAT, 32, 1 },
                           .rank = rank,
                           .shape = (int64_t *)(uintptr_t)shape };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &made);
  return made;
}

uint32_t
qat_number (adze_nodes *b, float one)
{
  return qat_constant (b, &one, 0, NULL);
}

/* ---- What flows back. */

/* A body for NODE of COUNT floats that it takes: IN gets them, what it gives, and the gradient of that. */
static adze_nodes
begin_body (adze_nodes *b, size_t count, uint32_t *in)
{
  adze_nodes body = *b;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_body (b->host, b->graph, &body.graph);
  body.status = b->status;
  for (size_t i = 0; i < count + 2; i++)
    if (body.status == ADZE_OK)
      body.status = b->graphs->add_input (b->host, body.graph, NULL, (adze_dtype){ ADZE_FLOAT, 32, 1 }, -1, NULL,
                                          &in[i]);
  return body;
}

static void
give (adze_nodes *body, uint32_t value)
{
  if (body->status == ADZE_OK)
    body->status = body->graphs->add_output (body->host, body->graph, value);
}

static void
attach (adze_nodes *b, uint32_t value, uint32_t kind, const adze_nodes *body)
{
  if (body && b->status == ADZE_OK)
    b->status = body->status;
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_gradient (b->host, b->graph, b->graphs->value (b->graph, value)->node, kind,
                                         body ? body->graph : NULL);
}

/* x / step: as it came, and less the sum of that times x / step. */
static void
attach_divide (adze_nodes *b, uint32_t divided)
{
  uint32_t in[4];
  adze_nodes body = begin_body (b, 2, in);
  give (&body, in[3]);
  uint32_t against = adze_nodes_pair (&body, "Mul", in[3], in[2]);
  give (&body, add (&body, NULL, "Neg", &against, 1));
  attach (b, divided, ADZE_GRADIENT_BODY, &body);
}

/* level * step: as it came, and the sum of that times the level. */
static void
attach_multiply (adze_nodes *b, uint32_t multiplied)
{
  uint32_t in[4];
  adze_nodes body = begin_body (b, 2, in);
  give (&body, in[3]);
  give (&body, adze_nodes_pair (&body, "Mul", in[3], in[0]));
  attach (b, multiplied, ADZE_GRADIENT_BODY, &body);
}

/* What came, where x is neither below LOW nor above HIGH; the bounds do not learn. */
static void
attach_clip (adze_nodes *b, uint32_t clipped)
{
  uint32_t in[5];
  adze_nodes body = begin_body (b, 3, in);
  const uint32_t above[] = { adze_nodes_pair (&body, "Sub", in[0], in[1]), in[4] };
  const uint32_t below[] = { adze_nodes_pair (&body, "Sub", in[2], in[0]), add (&body, "adze", "ReluGrad", above, 2) };
  uint32_t none = qat_number (&body, 0);
  give (&body, add (&body, "adze", "ReluGrad", below, 2));
  give (&body, add (&body, NULL, "Identity", &none, 1));
  give (&body, add (&body, NULL, "Identity", &none, 1));
  attach (b, clipped, ADZE_GRADIENT_BODY, &body);
}

/* ---- One item. */

/* Steps as a value of the network. What is learnt is the logarithm of how often the first step each is: so it stays
 * above 0, and a rate that suits weights suits it, however large they are. Lists of values are observed by nobody. */
static uint32_t
step_of (const qat *q, adze_nodes *b, qat_item *item, bool learns)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = item->axis < 0 ? 0 : item->rank;
  uint32_t learnt = ADZE_NONE;
  for (int32_t i = 0; i < rank; i++)
    shape[i] = i == item->axis ? item->shape[i] : 1;
  uint32_t first = qat_constant (b, item->steps, rank, shape);
  if (q->switches[QAT_OBSERVES].is_used && !item->values)
    first = adze_nodes_pair (b, "Mul", first, qat_observed (q, b, item, rank, shape, learns));
  if (!q->learns_steps || b->status != ADZE_OK)
    return first;
  float *zeros = (float *)b->host->allocate (b->host, item->channels * sizeof *zeros);
  if (!zeros) {
    b->status = adze_fail (b->host, ADZE_E_MEMORY, "no room for the steps of '%s'", item->name);
    return first;
  }
  memset (zeros, 0, item->channels * sizeof *zeros);
  b->status = b->graphs->add_weight (b->host, b->graph, item->step_name, (adze_dtype){ ADZE_FLOAT, 32, 1 }, rank, shape,
                                     &learnt);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, learnt, zeros, item->channels * sizeof *zeros);
  b->host->release (b->host, zeros);
  return adze_nodes_pair (b, "Mul", first, add (b, NULL, "Exp", &learnt, 1));
}

/* As qat_grid_level does it, operation by operation. */
static uint32_t
fake (adze_nodes *b, const qat_item *item, uint32_t value, uint32_t step)
{
  const qat_grid *grid = &item->grid;
  uint32_t divided = adze_nodes_pair (b, "Div", value, step), place = divided;
  attach_divide (b, divided);
  if (grid->shift != 0)
    place = adze_nodes_pair (b, "Sub", place, qat_number (b, grid->shift));
  const uint32_t bounds[] = { place, qat_number (b, (float)grid->low), qat_number (b, (float)grid->high) };
  uint32_t clipped = add (b, NULL, "Clip", bounds, 3);
  attach_clip (b, clipped);
  uint32_t level = add (b, NULL, "Round", &clipped, 1);
  attach (b, level, ADZE_GRADIENT_STRAIGHT, NULL);
  if (grid->shift != 0)
    level = adze_nodes_pair (b, "Add", level, qat_number (b, grid->shift));
  uint32_t faked = adze_nodes_pair (b, "Mul", level, step);
  attach_multiply (b, faked);
  return faked;
}

/* What is rounded takes the place of what is not once it is time. */
static uint32_t
waited (const qat *q, adze_nodes *b, uint32_t value, uint32_t faked, bool learns)
{
  return learns && q->switches[QAT_WAITS].is_used ? qat_choose (b, &q->switches[QAT_WAITS], value, faked) : faked;
}

/* The list of values goes to levels, and the weight is looked up in it. */
static uint32_t
fake_book (const qat *q, adze_nodes *b, const qat_item *item, uint32_t step, bool learns)
{
  uint32_t book = ADZE_NONE, places = ADZE_NONE;
  const int64_t count = (int64_t)item->value_count;
  const adze_view view = { .data = item->places,
                           .device = { ADZE_DEVICE_CPU, 0 },
                           .dtype = { ADZE_INT, 32, 1 },
                           .rank = item->rank,
                           .shape = (int64_t *)(uintptr_t)item->shape };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_weight (b->host, b->graph, item->book_name, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 1, &count,
                                       &book);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, book, item->values, item->value_count * sizeof *item->values);
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &places);
  return adze_nodes_pair (b, "Gather", waited (q, b, book, fake (b, item, book, step), learns), places);
}

adze_status
qat_fake (qat *q, adze_graph *graph, bool learns)
{
  adze_nodes b;
  if (!adze_nodes_begin (&b, q->host, graph))
    return b.status;
  uint32_t first = q->graphs->node_count (graph);
  if (learns)
    qat_begin_switches (q, &b);
  for (size_t i = 0; b.status == ADZE_OK && i < q->count; i++) {
    qat_item *item = &q->items[i];
    uint32_t step = step_of (q, &b, item, learns);
    uint32_t faked = item->values ? fake_book (q, &b, item, step, learns) : fake (&b, item, item->value, step);
    if (!item->values)
      faked = waited (q, &b, item->value, faked, learns);
    if (b.status == ADZE_OK)
      b.status = qat_move_users (q, graph, item, item->value, first, faked);
  }
  return b.status == ADZE_OK ? q->graphs->verify (q->host, graph) : b.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* qat: the network with codes in the place of weights, and whoever took these takes what DequantizeLinear makes of
 * them. */
#include "qat.h"

#include <math.h>

/* ---- What was learnt. */

static const float *
numbers_of (const qat *q, const adze_graph *faked, const char *name)
{
  uint32_t value = q->graphs->find_value (faked, name);
  return value == ADZE_NONE ? NULL : (const float *)q->graphs->value (faked, value)->data;
}

/* Steps as nodes made them of what is seen, and learnt. */
static adze_status
take_steps (qat *q, const adze_graph *faked)
{
  for (size_t i = 0; i < q->count; i++) {
    qat_item *item = &q->items[i];
    const float *seen = numbers_of (q, faked, item->seen_name), *learnt = numbers_of (q, faked, item->step_name);
    for (size_t c = 0; c < item->channels; c++) {
      item->steps[c] *= seen ? seen[c] : 1;
      item->steps[c] *= learnt ? expf (learnt[c]) : 1;
      if (!(item->steps[c] > 0) || !isfinite (item->steps[c]))
        return adze_fail (q->host, ADZE_E_LIMIT,
                          "a step of '%s' has become %g; a lower 'rate', or learn-steps = false, keeps it from that",
                          item->name, (double)item->steps[c]);
    }
  }
  return ADZE_OK;
}

static void
take_values (qat *q, const adze_graph *faked)
{
  for (size_t i = 0; i < q->count; i++) {
    qat_item *item = &q->items[i];
    if (item->values)
      memcpy (item->values, numbers_of (q, faked, item->book_name), item->value_count * sizeof *item->values);
  }
}

/* The graph that learnt has weights that the model has not, and is asked for these alone. */
static adze_status
read_learnt (qat *q)
{
  adze_lesson *t = q->lesson;
  adze_graph *faked = NULL;
  adze_status status = t->run->graph (t->host, t->context, t->model, &faked);
  if (status == ADZE_OK)
    status = qat_fake (q, faked, false);
  if (status == ADZE_OK)
    status = t->train->give (t->host, t->training, faked, 0);
  if (status == ADZE_OK)
    take_values (q, faked);
  return status == ADZE_OK ? take_steps (q, faked) : status;
}

/* ---- Nodes. */

static uint32_t
constant (adze_nodes *b, adze_dtype dtype, const void *numbers)
{
  uint32_t made = ADZE_NONE;
  const adze_view view = { .data = (void *)(uintptr_t)numbers,
                           .device = { ADZE_DEVICE_CPU, 0 },
                           .dtype = dtype };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &made);
  return made;
}

/* A tensor of the model, as quantise's are. */
static uint32_t
scales_of (adze_nodes *b, const qat_item *item, const float *scales)
{
  char name[QAT_NAME_MAX + 16];
  uint32_t made = ADZE_NONE;
  const int64_t count = (int64_t)item->channels;
  snprintf (name, sizeof name, "%s.scale", item->name);
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_weight (b->host, b->graph, name, (adze_dtype){ ADZE_FLOAT, 32, 1 },
                                       item->axis < 0 ? 0 : 1, &count, &made);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, made, scales, item->channels * sizeof *scales);
  return made;
}

/* ---- A weight. */

static size_t
inner_of (const qat_item *item)
{
  size_t count = 1;
  for (int32_t i = item->axis + 1; i < item->rank; i++)
    count *= (size_t)item->shape[i];
  return count;
}

static void
encode (const qat_item *item, const float *numbers, int8_t *codes)
{
  size_t count = qat_elements (item), inner = item->axis < 0 ? count : inner_of (item);
  for (size_t i = 0; i < count; i++)
    codes[i] = (int8_t)qat_grid_code (&item->grid, item->values ? item->values[item->places[i]] : numbers[i],
                                      item->steps[i / inner % item->channels]);
}

/* Levels with a half have codes twice as large, and steps of half the size. */
static adze_status
write_codes (adze_nodes *b, const qat_item *item, const int8_t *codes, float *scales, uint32_t *made)
{
  const int64_t axis = item->axis;
  const adze_graph_attribute along = adze_nodes_int ("axis", &axis);
  for (size_t c = 0; c < item->channels; c++)
    scales[c] = item->grid.shift != 0 ? item->steps[c] / 2 : item->steps[c];
  b->status = b->graphs->set_type (b->host, b->graph, item->value, (adze_dtype){ ADZE_INT, 8, 1 }, item->rank,
                                   item->shape);
  if (b->status == ADZE_OK)
    b->status = b->graphs->set_data (b->host, b->graph, item->value, codes, qat_elements (item));
  const uint32_t inputs[] = { item->value, scales_of (b, item, scales) };
  *made = adze_nodes_add (b, "DequantizeLinear", inputs, 2, item->axis < 0 ? NULL : &along);
  return b->status;
}

static adze_status
give_weight (const qat *q, adze_nodes *b, const qat_item *item, uint32_t first)
{
  const adze_host *host = q->host;
  uint32_t made = ADZE_NONE;
  int8_t *codes = (int8_t *)host->allocate (host, qat_elements (item) + 1);
  float *scales = (float *)host->allocate (host, item->channels * sizeof *scales);
  adze_status status = codes && scales ? ADZE_OK
                                       : adze_fail (host, ADZE_E_MEMORY, "no room for the codes of '%s'", item->name);
  if (status == ADZE_OK) {
    encode (item, (const float *)q->graphs->value (b->graph, item->value)->data, codes);
    status = write_codes (b, item, codes, scales, &made);
  }
  if (status == ADZE_OK)
    status = qat_move_users (q, b->graph, item, item->value, first, made);
  host->release (host, codes);
  host->release (host, scales);
  return status;
}

/* ---- What flows. */

static adze_status
give_flow (const qat *q, adze_nodes *b, const qat_item *item, uint32_t first)
{
  const uint8_t zero = 0;
  const adze_dtype bytes = { item->is_unsigned ? ADZE_UINT : ADZE_INT, 8, 1 }, f32 = { ADZE_FLOAT, 32, 1 };
  uint32_t inputs[] = { item->value, constant (b, f32, item->steps), constant (b, bytes, &zero) };
  inputs[0] = adze_nodes_add (b, "QuantizeLinear", inputs, 3, NULL);
  uint32_t made = adze_nodes_add (b, "DequantizeLinear", inputs, 3, NULL);
  return b->status == ADZE_OK ? qat_move_users (q, b->graph, item, item->value, first, made) : b->status;
}

/* ---- All of it. */

static adze_status
write_network (const qat *q, adze_graph *graph)
{
  adze_nodes b;
  uint64_t changed[ADZE_GRAPH_PASSES];
  bool integers = strcmp (adze_param_string (q->host, q->params, "form"), "integer") == 0;
  if (!adze_nodes_begin (&b, q->host, graph))
    return b.status;
  uint32_t first = q->graphs->node_count (graph);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < q->count; i++)
    status = q->items[i].weight ? give_weight (q, &b, &q->items[i], first) : give_flow (q, &b, &q->items[i], first);
  if (status == ADZE_OK)
    status = q->graphs->verify (q->host, graph);
  if (status != ADZE_OK || !integers)
    return status;
  return q->graphs->optimise (q->host, graph, ADZE_PASS_BATCH_NORM | ADZE_PASS_BIAS | ADZE_PASS_INTEGERS | ADZE_PASS_DEAD,
                              changed);
}

adze_status
qat_give (qat *q)
{
  adze_lesson *t = q->lesson;
  adze_graph *given = NULL;
  adze_status status = read_learnt (q);
  if (status == ADZE_OK)
    status = t->run->graph (t->host, t->context, t->model, &given);
  if (status == ADZE_OK)
    status = t->train->give (t->host, t->training, given, 0);
  /* In front of what changes names. */
  if (status == ADZE_OK)
    status = adze_run_give_others (t->host, t->context, t->model, given, "model");
  if (status == ADZE_OK)
    status = write_network (q, given);
  if (status == ADZE_OK)
    status = t->run->give_graph (t->host, t->context, "model", given);
  return status == ADZE_OK ? qat_claim (q, given) : status;
}

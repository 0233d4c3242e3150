/* SPDX-License-Identifier: Apache-2.0 */
/* qat: what of a network goes to levels, and to which: weights of MatMul, Gemm and Conv, and what flows into these. */
#include "qat.h"

static bool
is (const adze_graph_node *node, const char *op)
{
  return node && !node->domain[0] && strcmp (node->op, op) == 0;
}

bool
qat_is_product (const adze_graph_node *node)
{
  return (is (node, "MatMul") || is (node, "Gemm") || is (node, "Conv")) && node->input_count >= 2;
}

static bool
is_f32 (const adze_graph_value *value)
{
  return value->dtype.code == ADZE_FLOAT && value->dtype.bits == 32;
}

/* ---- What parameters say of a weight. */

/* The name of its grid, or NULL where it stays as it is. That two patterns say something of it is a mistake: which of
 * them was meant cannot be seen, since a table has no order. */
static adze_status
grid_name (const qat *q, const char *weight, const char **name)
{
  const adze_params_service *service = adze_params_of (q->host);
  const adze_params *layers = service->get_nested (q->params, "layers");
  const char *by = NULL;
  *name = adze_param_string (q->host, q->params, "weights");
  for (size_t i = 0; i < service->count (layers); i++) {
    const char *pattern = service->name_at (layers, i);
    bool matches = false;
    adze_status status = adze_match (q->host, pattern, weight, &matches);
    if (status != ADZE_OK)
      return status;
    if (!matches)
      continue;
    if (by)
      return adze_fail (q->host, ADZE_E_PARAM,
                        "parameter 'layers': both \"%s\" and \"%s\" are the weight '%s'; needed are patterns of which "
                        "one is", by, pattern, weight);
    by = pattern;
    *name = service->get_string (layers, pattern);
  }
  if (strcmp (*name, "none") == 0)
    *name = NULL;
  return ADZE_OK;
}

/* Levels beside 0 are twice as near to numbers that lie about 0 where there are but four; of eight and more it makes
 * no difference, and a 0 that stays one is worth more. */
static adze_status
grid_of (const qat *q, const char *name, qat_grid *grid)
{
  const char *zero = adze_param_string (q->host, q->params, "zero");
  bool half = strcmp (zero, "no") == 0 || (strcmp (zero, "auto") == 0 && strcmp (name, "int2") == 0);
  return qat_grid_named (name, half, grid)
             ? ADZE_OK
             : adze_fail (q->host, ADZE_E_PARAM, "there are no levels of the name \"%s\"", name);
}

static bool
can_be_without_zero (const char *levels)
{
  return strcmp (levels, "int4") == 0 || strcmp (levels, "int3") == 0 || strcmp (levels, "int2") == 0;
}

/* Of other levels 0 always is one, or never. */
static adze_status
check_zero (const qat *q)
{
  if (q->zero_counts || !adze_param_is_given (q->host, q->params, "zero"))
    return ADZE_OK;
  return adze_fail (q->host, ADZE_E_PARAM,
                    "parameter 'zero' is \"%s\", and plays no part: it is of \"int4\", \"int3\" and \"int2\", and 'weights' "
                    "and 'layers' send no weight to these; leave it out, or choose them",
                    adze_param_string (q->host, q->params, "zero"));
}

/* ---- Items. */

static qat_item *
item_of (qat *q, uint32_t value, bool weight)
{
  for (size_t i = 0; i < q->count; i++)
    if (q->items[i].value == value && q->items[i].weight == weight)
      return &q->items[i];
  return NULL;
}

static adze_status
name_item (const qat *q, qat_item *item, const char *name)
{
  if (strlen (name) >= QAT_NAME_MAX)
    return adze_fail (q->host, ADZE_E_UNSUPPORTED, "the name of a value is longer than %d bytes: '%.60s...'",
                      QAT_NAME_MAX - 1, name);
  snprintf (item->name, sizeof item->name, "%s", name);
  snprintf (item->step_name, sizeof item->step_name, "%s.%%step", name);
  snprintf (item->seen_name, sizeof item->seen_name, "%s.%%seen", name);
  return ADZE_OK;
}

static adze_status
add_item (qat *q, const adze_graph *graph, uint32_t number, bool weight, qat_item **item)
{
  qat_item *grown = (qat_item *)q->host->allocate (q->host, (q->count + 1) * sizeof *grown);
  if (!grown)
    return adze_fail (q->host, ADZE_E_MEMORY, "no room for what is known of %zu layers", q->count + 1);
  if (q->count > 0)
    memcpy (grown, q->items, q->count * sizeof *grown);
  q->host->release (q->host, q->items);
  q->items = grown;
  *item = &grown[q->count];
  memset (*item, 0, sizeof **item);
  (*item)->value = number;
  (*item)->weight = weight;
  (*item)->axis = -1;
  (*item)->channels = 1;
  adze_status status = name_item (q, *item, q->graphs->value (graph, number)->name);
  q->count += status == ADZE_OK;
  return status;
}

static adze_status
make_steps (const qat *q, qat_item *item)
{
  item->steps = (float *)q->host->allocate (q->host, item->channels * sizeof *item->steps);
  item->sizes = (float *)q->host->allocate (q->host, item->channels * sizeof *item->sizes);
  if (!item->steps || !item->sizes)
    return adze_fail (q->host, ADZE_E_MEMORY, "no room for the steps of '%s'", item->name);
  for (size_t i = 0; i < item->channels; i++)
    item->steps[i] = item->sizes[i] = 1;
  return ADZE_OK;
}

/* The dimension of a weight that counts what the product gives. */
static int32_t
channel_axis (const adze_graph_node *node, const adze_graph_value *weight)
{
  if (is (node, "Conv"))
    return 0;
  if (is (node, "Gemm"))
    return adze_node_int (node, "transB", 0) ? 0 : 1;
  return weight->rank == 2 ? 1 : -1;
}

size_t
qat_elements (const qat_item *item)
{
  size_t count = 1;
  for (int32_t i = 0; i < item->rank; i++)
    count *= (size_t)item->shape[i];
  return count;
}

/* Neighbours of a channel lie one behind the other, or so many apart. */
static void
first_steps (qat_item *item, const float *numbers)
{
  size_t all = 1, inner = 1, outer = 1;
  for (int32_t i = 0; i < item->rank; i++) {
    all *= (size_t)item->shape[i];
    if (item->axis >= 0 && i < item->axis)
      outer *= (size_t)item->shape[i];
    if (item->axis >= 0 && i > item->axis)
      inner *= (size_t)item->shape[i];
  }
  for (size_t c = 0; c < item->channels; c++) {
    double step = item->axis < 0 ? qat_grid_nearest (&item->grid, numbers, all, 1)
                  : outer == 1   ? qat_grid_nearest (&item->grid, numbers + c * inner, inner, 1)
                                 : qat_grid_nearest (&item->grid, numbers + c, outer, item->channels);
    /* All zeros go to 0 with any step. */
    item->steps[c] = step > 0 ? (float)step : 1;
  }
}

static adze_status
add_weight (qat *q, const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *value = q->graphs->value (graph, node->inputs[1]);
  const char *name = NULL;
  qat_item *item = item_of (q, node->inputs[1], true);
  bool channels = strcmp (adze_param_string (q->host, q->params, "per"), "channel") == 0;
  /* The same value with other steps would be other codes. */
  bool keeps = false;
  adze_status status = qat_keeps_values (q, value->name, &keeps);
  if (status != ADZE_OK)
    return status;
  int32_t axis = channels && !keeps ? channel_axis (node, value) : -1;
  if (item && item->axis != axis)
    return adze_fail (q->host, ADZE_E_UNSUPPORTED,
                      "'%s' is the weight of products that have their channels in different dimensions of it; per = "
                      "\"tensor\" has one step for all",
                      value->name);
  if (item || value->role != ADZE_ROLE_WEIGHT || !is_f32 (value) || !value->data)
    return ADZE_OK;
  status = grid_name (q, value->name, &name);
  if (status != ADZE_OK || !name)
    return status;
  status = add_item (q, graph, node->inputs[1], true, &item);
  if (status == ADZE_OK)
    status = grid_of (q, name, &item->grid);
  if (status != ADZE_OK)
    return status;
  q->zero_counts |= can_be_without_zero (name);
  item->axis = axis;
  item->rank = value->rank;
  memcpy (item->shape, value->shape, (size_t)value->rank * sizeof *value->shape);
  item->channels = axis < 0 ? 1 : (size_t)value->shape[axis];
  status = make_steps (q, item);
  if (status == ADZE_OK) {
    first_steps (item, (const float *)value->data);
    qat_weigh (item, (const float *)value->data);
  }
  if (status == ADZE_OK && keeps)
    status = qat_make_book (q, item, (const float *)value->data);
  return status;
}

/* Only what meets a weight that goes to levels: the others compute in floats anyway. */
static adze_status
add_flow (qat *q, const adze_graph *graph, const adze_graph_node *node)
{
  const adze_graph_value *value = q->graphs->value (graph, node->inputs[0]);
  qat_item *item = NULL;
  if (!item_of (q, node->inputs[1], true) || item_of (q, node->inputs[0], false) || !is_f32 (value)
      || value->role == ADZE_ROLE_WEIGHT)
    return ADZE_OK;
  adze_status status = add_item (q, graph, node->inputs[0], false, &item);
  return status == ADZE_OK ? make_steps (q, item) : status;
}

static adze_status
each_product (qat *q, const adze_graph *graph, adze_status (*look) (qat *, const adze_graph *, const adze_graph_node *))
{
  size_t count = 0;
  const uint32_t *order = q->graphs->order (graph, &count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; order && status == ADZE_OK && i < count; i++) {
    const adze_graph_node *node = q->graphs->node (graph, order[i]);
    if (qat_is_product (node))
      status = look (q, graph, node);
  }
  return status;
}

/* A pattern that means nothing is mostly misspelt. */
static adze_status
check_patterns (const qat *q, const adze_graph *graph)
{
  const adze_params_service *service = adze_params_of (q->host);
  const adze_params *layers = service->get_nested (q->params, "layers");
  for (size_t i = 0; i < service->count (layers); i++) {
    const char *pattern = service->name_at (layers, i);
    bool met = false;
    for (uint32_t n = 0; !met && n < q->graphs->node_count (graph); n++) {
      const adze_graph_node *node = q->graphs->node (graph, n);
      if (!qat_is_product (node) || q->graphs->value (graph, node->inputs[1])->role != ADZE_ROLE_WEIGHT)
        continue;
      adze_status status = adze_match (q->host, pattern, q->graphs->value (graph, node->inputs[1])->name, &met);
      if (status != ADZE_OK)
        return status;
    }
    if (!met)
      return adze_fail (q->host, ADZE_E_NOT_FOUND,
                        "parameter 'layers': \"%s\" is the weight of no MatMul, Gemm or Conv of the network", pattern);
  }
  return ADZE_OK;
}

adze_status
qat_find (qat *q, adze_graph *graph)
{
  adze_status status = check_patterns (q, graph);
  if (status == ADZE_OK)
    status = each_product (q, graph, add_weight);
  if (status == ADZE_OK && q->count == 0)
    return adze_fail (q->host, ADZE_E_NOT_FOUND,
                      "there is nothing to do: the network has no MatMul, Gemm or Conv with a weight of float32 that "
                      "'weights' and 'layers' do not leave as it is");
  if (status == ADZE_OK)
    status = check_zero (q);
  if (status == ADZE_OK)
    status = qat_check_kept (q);
  if (status == ADZE_OK && strcmp (adze_param_string (q->host, q->params, "activations"), "none") != 0)
    status = each_product (q, graph, add_flow);
  return status;
}

void
qat_drop (qat *q)
{
  for (size_t i = 0; i < q->count; i++) {
    q->host->release (q->host, q->items[i].steps);
    q->host->release (q->host, q->items[i].sizes);
    q->host->release (q->host, q->items[i].values);
    q->host->release (q->host, q->items[i].places);
  }
  q->host->release (q->host, q->items);
  q->host->release (q->host, q->followers);
  q->items = NULL;
  q->count = 0;
}

/* What flows is sent to levels where it meets a weight that was, whose nodes stand from FIRST on. */
static bool
takes (const qat *q, const adze_graph *graph, const qat_item *item, const adze_graph_node *node, size_t input,
       uint32_t first)
{
  if (item->weight)
    return true;
  const adze_graph_value *factor = qat_is_product (node) && input == 0 ? q->graphs->value (graph, node->inputs[1]) : NULL;
  return factor && factor->role == ADZE_ROLE_NODE && factor->node >= first;
}

adze_status
qat_move_users (const qat *q, adze_graph *graph, const qat_item *item, uint32_t value, uint32_t first, uint32_t other)
{
  for (uint32_t n = 0; n < first; n++) {
    const adze_graph_node *node = q->graphs->node (graph, n);
    for (size_t k = 0; node && k < node->input_count; k++) {
      if (node->inputs[k] != value || !takes (q, graph, item, node, k, first))
        continue;
      adze_status status = q->graphs->set_input (q->host, graph, n, k, other);
      if (status != ADZE_OK)
        return status;
      node = q->graphs->node (graph, n);
    }
  }
  return ADZE_OK;
}

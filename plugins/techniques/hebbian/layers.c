/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers of the network learn, and their numbers: out of it, and into it again. */
#include <math.h>
#include <string.h>

#include "hebbian.h"
#include "rules.h"

/* ---- Is a node a layer that can learn? */

static size_t
count_of (const adze_graph_value *value)
{
  size_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    count *= (size_t)value->shape[i];
  return count;
}

static bool
is_weight (const hebbian_run *h, uint32_t number, int32_t rank)
{
  const adze_graph_value *value = number == ADZE_NONE ? NULL : h->graphs->value (h->graph, number);
  return value && value->role == ADZE_ROLE_WEIGHT && value->rank == rank && value->data
         && adze_dtype_is_float (value->dtype) && count_of (value) > 0;
}

/* The matrix that it multiplies examples by; ADZE_NONE: it is no dense layer. */
static uint32_t
matrix_of (const hebbian_run *h, const adze_graph_node *node)
{
  bool gemm = strcmp (node->op, "Gemm") == 0;
  if (node->domain[0] || node->input_count < 2 || (!gemm && strcmp (node->op, "MatMul") != 0)
      || !is_weight (h, node->inputs[1], 2))
    return ADZE_NONE;
  if (gemm && (adze_node_int (node, "transA", 0) != 0 || adze_node_float (node, "alpha", 1) != 1
               || adze_node_float (node, "beta", 1) != 1))
    return ADZE_NONE;
  return node->inputs[1];
}

/* How many nodes take the value, and the last of them. */
static size_t
takers_of (const hebbian_run *h, uint32_t value, const adze_graph_node **taker)
{
  size_t count = 0;
  for (uint32_t n = 0; n < h->graphs->node_count (h->graph); n++) {
    const adze_graph_node *node = h->graphs->node (h->graph, n);
    for (size_t i = 0; node && i < node->input_count; i++)
      if (node->inputs[i] == value) {
        *taker = node;
        count++;
      }
  }
  return count;
}

/* That of a Gemm is its own; that of a MatMul is added by the next node. */
static uint32_t
bias_of (const hebbian_run *h, const adze_graph_node *node, size_t units)
{
  const adze_graph_node *next = node;
  uint32_t bias = node->input_count > 2 ? node->inputs[2] : ADZE_NONE;
  if (strcmp (node->op, "MatMul") == 0 && takers_of (h, node->outputs[0], &next) == 1
      && strcmp (next->op, "Add") == 0 && next->domain[0] == '\0')
    bias = next->inputs[next->inputs[0] == node->outputs[0] ? 1 : 0];
  if (!is_weight (h, bias, 1) || count_of (h->graphs->value (h->graph, bias)) != units
      || takers_of (h, bias, &next) != 1)
    return ADZE_NONE;
  return bias;
}

/* ---- Numbers. */

static adze_status
no_room (const hebbian_run *h, const hebbian_layer *layer)
{
  return adze_fail (h->host, ADZE_E_MEMORY, "no room for %zu by %zu numbers of '%s'", layer->units, layer->inputs,
                    layer->name);
}

/* As the layer has them, a row a unit. */
static adze_status
read_matrix (const hebbian_run *h, const adze_graph_value *value, const hebbian_layer *layer, double *w)
{
  size_t rows = layer->turned ? layer->inputs : layer->units, columns = layer->turned ? layer->units : layer->inputs;
  double *row = (double *)h->host->allocate (h->host, columns * sizeof *row);
  if (!row)
    return no_room (h, layer);
  for (size_t r = 0; r < rows; r++) {
    adze_doubles_read (value->dtype, (const char *)value->data + r * columns * (value->dtype.bits / 8u), columns, row);
    for (size_t c = 0; c < columns; c++)
      w[layer->turned ? c * rows + r : r * columns + c] = row[c];
  }
  h->host->release (h->host, row);
  return ADZE_OK;
}

static adze_status
write_numbers (const hebbian_run *h, adze_graph *graph, const hebbian_layer *layer, uint32_t number,
               const double *numbers, size_t count, bool turned)
{
  const adze_dtype dtype = h->graphs->value (graph, number)->dtype;
  size_t size = count * (dtype.bits / 8u);
  void *bytes = h->host->allocate (h->host, size + 1);
  if (!bytes)
    return no_room (h, layer);
  for (size_t i = 0; i < count; i++)
    adze_feed_write (dtype, bytes, turned ? i % layer->inputs * layer->units + i / layer->inputs : i, numbers[i]);
  adze_status status = ADZE_OK;
  if (!adze_numbers_are_finite (dtype, bytes, count))
    status = adze_fail (h->host, ADZE_E_LIMIT,
                        "what was learnt of '%s' is beyond the type of its numbers in the network; a lower rate, or "
                        "a rule with a bound (oja), keeps it within",
                        h->graphs->value (graph, number)->name);
  if (status == ADZE_OK)
    status = h->graphs->set_data (h->host, graph, number, bytes, size);
  h->host->release (h->host, bytes);
  return status;
}

/* The value of GRAPH, which may be a copy, that NUMBER is in the one at work. */
static uint32_t
same_in (const hebbian_run *h, const adze_graph *graph, uint32_t number)
{
  return h->graphs->find_value (graph, h->graphs->value (h->graph, number)->name);
}

adze_status
hebbian_set_layer (const hebbian_run *h, adze_graph *graph, const hebbian_layer *layer)
{
  adze_status status = write_numbers (h, graph, layer, same_in (h, graph, layer->weight), layer->w,
                                      layer->units * layer->inputs, layer->turned);
  if (status == ADZE_OK && layer->bias != ADZE_NONE)
    status = write_numbers (h, graph, layer, same_in (h, graph, layer->bias), layer->b, layer->units, false);
  return status;
}

void
hebbian_fold_centre (hebbian_layer *layer, const double *centre)
{
  for (size_t k = 0; k < layer->units; k++) {
    double taken = 0;
    rules_respond (layer->w + k * layer->inputs, 0, centre, 1, layer->inputs, &taken);
    layer->b[k] -= taken;
  }
}

/* Steps may be too small for the type that weights have in the file. */
static bool
becomes_another (adze_dtype dtype, double was, double is)
{
  double room = 0, back = 0;
  adze_feed_write (dtype, &room, 0, is);
  adze_doubles_read (dtype, &room, 1, &back);
  return back != was;
}

adze_status
hebbian_compare_layer (const hebbian_run *h, const adze_graph *graph, hebbian_layer *layer)
{
  size_t count = layer->units * layer->inputs;
  double *was = (double *)h->host->allocate (h->host, count * sizeof *was);
  if (!was)
    return no_room (h, layer);
  const adze_graph_value *value = h->graphs->value (graph, same_in (h, graph, layer->weight));
  adze_status status = read_matrix (h, value, layer, was);
  for (size_t i = 0; i < count && !layer->learnt; i++)
    layer->learnt = becomes_another (value->dtype, was[i], layer->w[i]);
  double before = rules_length (was, count), lengths = 0;
  rules_take (1, layer->w, count, was);
  layer->moved = before > 0 ? rules_length (was, count) / before : NAN;
  for (size_t k = 0; k < layer->units; k++)
    lengths += rules_length (layer->w + k * layer->inputs, layer->inputs);
  layer->length = lengths / (double)layer->units;
  h->host->release (h->host, was);
  return status;
}

/* ---- Finding them. */

static adze_status
add_layer (hebbian_run *h, const adze_graph_node *node, hebbian_layer *layer)
{
  const adze_graph_value *value = h->graphs->value (h->graph, node->inputs[1]);
  const adze_graph_node *other = node;
  *layer = (hebbian_layer){ .node = node->number, .weight = node->inputs[1], .input = node->inputs[0],
                            .activity = NAN };
  snprintf (layer->name, sizeof layer->name, "%s", value->name);
  layer->turned = strcmp (node->op, "MatMul") == 0 || adze_node_int (node, "transB", 0) == 0;
  layer->units = (size_t)value->shape[layer->turned ? 1 : 0];
  layer->inputs = (size_t)value->shape[layer->turned ? 0 : 1];
  layer->bias = bias_of (h, node, layer->units);
  if (takers_of (h, layer->weight, &other) > 1)
    return adze_fail (h->host, ADZE_E_UNSUPPORTED,
                      "the weight '%s' is used more than once in the network: no layer has it to itself, to learn from "
                      "what comes to it; leave it out of 'weights'",
                      layer->name);
  if (h->set.centre == HEBBIAN_CENTRE_FOR_GOOD && layer->bias == ADZE_NONE)
    return adze_fail (h->host, ADZE_E_UNSUPPORTED,
                      "centre = \"fold\": the layer of '%s' has no bias of its own that the mean could go into; needed "
                      "is one, or centre = \"learn\"",
                      layer->name);
  if (h->set.homeostasis == HEBBIAN_EXCITABILITY && h->set.rule != HEBBIAN_SOFT_WTA && layer->bias == ADZE_NONE)
    return adze_fail (h->host, ADZE_E_UNSUPPORTED,
                      "homeostasis = \"excitability\": the layer of '%s' has no bias of its own; needed is one, or "
                      "homeostasis = \"scaling\"",
                      layer->name);
  layer->w = (double *)h->host->allocate (h->host, layer->units * layer->inputs * sizeof *layer->w);
  layer->b = (double *)h->host->allocate (h->host, layer->units * sizeof *layer->b);
  if (!layer->w || !layer->b)
    return no_room (h, layer);
  if (layer->bias != ADZE_NONE) {
    const adze_graph_value *bias = h->graphs->value (h->graph, layer->bias);
    adze_doubles_read (bias->dtype, bias->data, layer->units, layer->b);
  }
  adze_status status = read_matrix (h, value, layer, layer->w);
  if (status == ADZE_OK && !adze_doubles_are_finite ((const char *)layer->w, layer->units * layer->inputs))
    return adze_fail (h->host, ADZE_E_LIMIT,
                      "'%s' has numbers that are none (NaN, or without end): nothing can be learnt from there; needed is "
                      "a network without them",
                      layer->name);
  return status;
}

/* HIT marks the patterns that mean some layer. */
static adze_status
look_at_patterns (const hebbian_run *h, const char *name, bool *hit, bool *wanted)
{
  const adze_params_service *service = adze_params_of (h->host);
  const adze_params *list = service->get_nested (h->params, "weights");
  adze_status status = ADZE_OK;
  *wanted = false;
  for (size_t i = 0; status == ADZE_OK && i < service->count (list); i++) {
    bool matches = false;
    status = adze_match (h->host, service->get_string (list, service->name_at (list, i)), name, &matches);
    hit[i] = hit[i] || matches;
    *wanted = *wanted || matches;
  }
  return status;
}

static adze_status
no_layer (const hebbian_run *h, const char *pattern)
{
  char names[300] = "";
  size_t used = 0;
  for (uint32_t n = 0; n < h->graphs->node_count (h->graph) && used + 1 < sizeof names; n++) {
    const adze_graph_node *node = h->graphs->node (h->graph, n);
    uint32_t matrix = node ? matrix_of (h, node) : ADZE_NONE;
    if (matrix != ADZE_NONE)
      used += (size_t)snprintf (names + used, sizeof names - used, "%s'%s'", used ? ", " : "",
                                h->graphs->value (h->graph, matrix)->name);
  }
  return adze_fail (h->host, ADZE_E_NOT_FOUND,
                    "parameter 'weights': no dense layer (MatMul, Gemm) of the network has a weight that \"%s\" means; "
                    "there %s%s",
                    pattern, names[0] ? "is " : "is none at all", names);
}

static adze_status
check_patterns (const hebbian_run *h, const bool *hit)
{
  const adze_params_service *service = adze_params_of (h->host);
  const adze_params *list = service->get_nested (h->params, "weights");
  size_t count = service->count (list);
  if (count == 0)
    return adze_fail (h->host, ADZE_E_PARAM, "parameter 'weights' is empty: nothing would learn");
  for (size_t i = 0; i < count; i++)
    if (!hit[i])
      return no_layer (h, service->get_string (list, service->name_at (list, i)));
  return ADZE_OK;
}

static adze_status
find_all (hebbian_run *h, bool *hit)
{
  size_t count = 0;
  const uint32_t *order = h->graphs->order (h->graph, &count);
  h->layers = (hebbian_layer *)h->host->allocate (h->host, (count + 1) * sizeof *h->layers);
  if (!h->layers)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for %zu layers", count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const adze_graph_node *node = h->graphs->node (h->graph, order[i]);
    uint32_t matrix = matrix_of (h, node);
    bool wanted = false;
    if (matrix != ADZE_NONE)
      status = look_at_patterns (h, h->graphs->value (h->graph, matrix)->name, hit, &wanted);
    if (status == ADZE_OK && wanted)
      status = add_layer (h, node, &h->layers[h->layer_count++]);
  }
  return status == ADZE_OK ? check_patterns (h, hit) : status;
}

adze_status
hebbian_find_layers (hebbian_run *h)
{
  const adze_params_service *service = adze_params_of (h->host);
  size_t patterns = service->count (service->get_nested (h->params, "weights"));
  bool *hit = (bool *)h->host->allocate (h->host, patterns + 1);
  if (!hit)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for %zu patterns", patterns);
  adze_status status = find_all (h, hit);
  h->host->release (h->host, hit);
  return status;
}

void
hebbian_drop_layers (hebbian_run *h)
{
  for (size_t i = 0; h->layers && i < h->layer_count; i++) {
    h->host->release (h->host, h->layers[i].w);
    h->host->release (h->host, h->layers[i].b);
    h->host->release (h->host, h->layers[i].important);
  }
  h->host->release (h->host, h->layers);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* integer.c: what a product of bytes is made of, and what is done on top of it. */
#include "integer.h"

#include <math.h>

/* ---- Numbers that are known. */

const void *
onednn_known (const onednn_part *part, size_t index, dnnl_data_type_t type, size_t *count)
{
  const adze_graph_value *value = onednn_in (part, index);
  if (!value || value->role != ADZE_ROLE_CONSTANT || !value->data || onednn_type_of (value) != type
      || value->rank < 0)
    return NULL;
  *count = (size_t)onednn_product (value->shape, 0, value->rank);
  return value->data;
}

adze_status
onednn_byte_of (const onednn_part *part, size_t index, const adze_graph_value *codes, int32_t *byte)
{
  size_t count;
  *byte = 0;
  if (!onednn_in (part, index))
    return ADZE_OK;
  dnnl_data_type_t type = onednn_type_of (codes);
  const void *known = onednn_known (part, index, type, &count);
  if (!known || count != 1)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "input %zu is not one known byte of that type",
                          index);
  *byte = type == dnnl_s8 ? *(const int8_t *)known : *(const uint8_t *)known;
  return ADZE_OK;
}

/* oneDNN has no zero points of weights. */
static bool
are_zeros (const onednn_part *part, size_t index)
{
  size_t count;
  if (!onednn_in (part, index))
    return true;
  const int8_t *known = onednn_known (part, index, dnnl_s8, &count);
  for (size_t i = 0; known && i < count; i++)
    if (known[i])
      return false;
  return known != NULL;
}

/* ---- Operands. */

bool
onednn_is_settled (const adze_graph_value *value)
{
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 1)
      return false;
  return value->rank >= 0 && value->rank <= DNNL_MAX_NDIMS;
}

static adze_status
operands_of (onednn_part *part, size_t w, size_t w_zero, int32_t axis, onednn_integer *m)
{
  size_t count;
  *m = (onednn_integer){ .bias = ADZE_NONE, .summand = ADZE_NONE };
  m->x = onednn_in (part, 0);
  m->w = onednn_in (part, w);
  m->y = onednn_out (part, 0);
  if (!part->self->integers)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "sums of bytes need a processor with VNNI");
  if (!m->x || !m->y || !onednn_known (part, w, dnnl_s8, &count) || !are_zeros (part, w_zero)
      || m->w->rank < 2)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "its weights are not int8 that are known, around 0");
  dnnl_data_type_t type = onednn_type_of (m->x);
  if ((type != dnnl_u8 && type != dnnl_s8) || !onednn_is_settled (m->x) || !onednn_is_settled (m->w)
      || !onednn_is_settled (m->y))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its sizes are not known, or 0");
  m->weights = part->node->inputs[w];
  m->channels = (size_t)m->w->shape[axis];
  m->value = part->node->outputs[0];
  m->type = onednn_type_of (m->y);
  return ADZE_OK;
}

static adze_status
no_memory (const onednn_part *part)
{
  return onednn_refuse (part, ADZE_E_MEMORY, "no memory for its factors");
}

/* What a step of the sums is in steps of the result. */
static adze_status
steps_of (onednn_part *part, onednn_integer *m)
{
  size_t x_count = 0, w_count = 0, y_count = 0;
  const float *x = onednn_known (part, 1, dnnl_f32, &x_count),
              *w = onednn_known (part, 4, dnnl_f32, &w_count),
              *y = onednn_known (part, 6, dnnl_f32, &y_count);
  if (!x || !w || !y || x_count != 1 || y_count != 1 || (w_count != 1 && w_count != m->channels))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "its scales are not known: one each, or one for each channel");
  m->steps = part->host->allocate (part->host, w_count * sizeof *m->steps);
  if (!m->steps)
    return no_memory (part);
  m->step_count = w_count;
  for (size_t i = 0; i < w_count; i++) {
    m->steps[i] = (float)((double)*x * (double)w[i] / (double)*y);
    if (!isfinite (m->steps[i]))
      return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its scales make no factor of channel %zu",
                            i);
  }
  return ADZE_OK;
}

/* ---- What lies behind. */

static bool
is (const adze_graph_node *node, const char *op)
{
  return node && !node->domain[0] && strcmp (node->op, op) == 0;
}

static void
take (onednn_integer *m, const adze_graph_node *node)
{
  m->nodes[m->node_count++] = node->number;
  m->value = node->outputs[0];
}

/* A bound of codes that is known. */
static bool
bound_of (const onednn_part *part, const adze_graph_node *node, size_t index,
          const onednn_integer *m, float *bound)
{
  if (index >= node->input_count || node->inputs[index] == ADZE_NONE)
    return false;
  const adze_graph_value *value = part->service->value (part->graph, node->inputs[index]);
  if (value->role != ADZE_ROLE_CONSTANT || !value->data || onednn_type_of (value) != m->type)
    return false;
  int code = m->type == dnnl_s8 ? *(const int8_t *)value->data : *(const uint8_t *)value->data;
  *bound = (float)(code - m->y_zero);
  return true;
}

static void
take_bounds (onednn_part *part, onednn_integer *m)
{
  const adze_graph_node *node = onednn_only_user (part, m->value);
  if (!is (node, "Clip") || node->inputs[0] != m->value
      || !bound_of (part, node, 1, m, &m->low) || !bound_of (part, node, 2, m, &m->high)
      || m->low > m->high)
    return;
  m->bounded = true;
  take (m, node);
}

/* The other operand of a Mul or Add that alone takes what comes out: a known float for each channel or
 * one for all. NULL: it is none. */
static const adze_graph_node *
operation_of (const onednn_part *part, const onednn_integer *m, const char *op, int32_t positions,
              const adze_graph_value **other)
{
  const adze_graph_node *node = onednn_only_user (part, m->value);
  if (!is (node, op))
    return NULL;
  uint32_t number = node->inputs[node->inputs[0] == m->value];
  const adze_graph_value *value = part->service->value (part->graph, number);
  if (value->role != ADZE_ROLE_CONSTANT || !value->data || onednn_type_of (value) != dnnl_f32
      || value->rank > m->y->rank)
    return NULL;
  int64_t count = onednn_product (value->shape, 0, value->rank);
  int32_t at = value->rank - 1 - positions;
  if (count != 1 && (count != (int64_t)m->channels || at < 0 || value->shape[at] != count))
    return NULL;
  *other = value;
  return node;
}

/* Cast to floats, times what a step is, plus a bias. POSITIONS: dimensions behind the channels. */
static adze_status
take_floats (onednn_part *part, int32_t positions, onednn_integer *m)
{
  const adze_graph_value *other;
  const adze_graph_node *node = onednn_only_user (part, m->value);
  if (!is (node, "Cast") || adze_node_int (node, "to", 0) != 1)
    return ADZE_OK;
  take (m, node);
  m->type = dnnl_f32;
  node = operation_of (part, m, "Mul", positions, &other);
  if (!node)
    return ADZE_OK;
  m->step_count = (size_t)onednn_product (other->shape, 0, other->rank);
  m->steps = part->host->allocate (part->host, m->step_count * sizeof *m->steps);
  if (!m->steps)
    return no_memory (part);
  memcpy (m->steps, other->data, m->step_count * sizeof *m->steps);
  take (m, node);
  node = operation_of (part, m, "Add", positions, &other);
  if (!node)
    return ADZE_OK;
  m->summand = node->inputs[node->inputs[0] == m->value];
  take (m, node);
  return ADZE_OK;
}

void
onednn_integer_alone (const onednn_part *part, onednn_integer *m)
{
  if (m->type == dnnl_f32) {
    part->host->release (part->host, m->steps);
    m->steps = NULL;
  }
  m->node_count = 0;
  m->bounded = false;
  m->summand = ADZE_NONE;
  m->value = part->node->outputs[0];
  m->type = onednn_type_of (m->y);
}

void
onednn_integer_close (const onednn_part *part, onednn_integer *m)
{
  part->host->release (part->host, m->steps);
  m->steps = NULL;
}

void
onednn_integer_done (onednn_part *part, const onednn_integer *m)
{
  for (size_t i = 0; i < m->node_count; i++)
    part->done[m->nodes[i]] = true;
}

/* ---- The two kinds. */

adze_status
onednn_integer_rescaled (onednn_part *part, int32_t axis, onednn_integer *m)
{
  adze_status status = operands_of (part, 3, 5, axis, m);
  if (status == ADZE_OK)
    status = onednn_byte_of (part, 2, m->x, &m->x_zero);
  if (status == ADZE_OK)
    status = onednn_byte_of (part, 7, m->y, &m->y_zero);
  if (status == ADZE_OK && onednn_in (part, 8))
    m->bias = part->node->inputs[8];
  if (status == ADZE_OK)
    status = steps_of (part, m);
  if (status == ADZE_OK)
    take_bounds (part, m);
  return status;
}

adze_status
onednn_integer_sums (onednn_part *part, int32_t axis, onednn_integer *m)
{
  adze_status status = operands_of (part, 1, 3, axis, m);
  if (status == ADZE_OK)
    status = onednn_byte_of (part, 2, m->x, &m->x_zero);
  return status == ADZE_OK ? take_floats (part, axis == 0 ? m->w->rank - 2 : 0, m) : status;
}

/* ---- Attributes. */

static dnnl_status_t
add_operations (const onednn_integer *m, const dnnl_memory_desc_t *summand,
                dnnl_primitive_attr_t attributes)
{
  dnnl_post_ops_t operations;
  dnnl_status_t status = dnnl_post_ops_create (&operations);
  if (status != dnnl_success)
    return status;
  if (m->bounded)
    status = dnnl_post_ops_append_eltwise (operations, 1.0F, dnnl_eltwise_clip, m->low, m->high);
  if (status == dnnl_success && summand)
    status = dnnl_post_ops_append_binary (operations, dnnl_binary_add, summand);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_post_ops (attributes, operations);
  dnnl_post_ops_destroy (operations);
  return status;
}

adze_status
onednn_integer_attributes (onednn_part *part, const onednn_integer *m, int rank, int channel,
                           dnnl_primitive_attr_t *attributes, onednn_arg *more)
{
  dnnl_memory_desc_t summand;
  *attributes = NULL;
  *more = (onednn_arg){ DNNL_ARG_ATTR_MULTIPLE_POST_OP (0) | DNNL_ARG_SRC_1, ONEDNN_NO_SLOT };
  if (m->summand != ADZE_NONE) {
    const adze_graph_value *value = part->service->value (part->graph, m->summand);
    dnnl_dims_t dims;
    for (int i = 0; i < rank; i++)
      dims[i] = i == channel ? onednn_product (value->shape, 0, value->rank) : 1;
    onednn_strided (&summand, dnnl_f32, rank, dims, NULL);
    adze_status status = onednn_see (part, m->summand, &summand, &more->slot);
    if (status != ADZE_OK)
      return status;
  }
  dnnl_status_t status = dnnl_primitive_attr_create (attributes);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode (*attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && m->steps)
    status = dnnl_primitive_attr_set_output_scales (*attributes, (dnnl_dim_t)m->step_count,
                                                    m->step_count > 1 ? 1 << channel : 0,
                                                    m->steps);
  if (status == dnnl_success && m->x_zero)
    status = dnnl_primitive_attr_set_zero_points (*attributes, DNNL_ARG_SRC, 1, 0, &m->x_zero);
  if (status == dnnl_success && m->y_zero)
    status = dnnl_primitive_attr_set_zero_points (*attributes, DNNL_ARG_DST, 1, 0, &m->y_zero);
  if (status == dnnl_success)
    status = add_operations (m, m->summand != ADZE_NONE ? &summand : NULL, *attributes);
  return onednn_checked (part, status, "attributes of integers");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* do_reduce.c: ReduceSum and its like, and adze.SumTo. */
#include "onednn.h"

/* Which dimensions go: 1 stands for them in KEPT. */
typedef struct reduction {
  dnnl_alg_kind_t algorithm;
  dnnl_data_type_t type;
  dnnl_dims_t dims, kept;
  int rank;
} reduction;

/* ---- oneDNN's own reduction. It is fast along the last dimensions. */

static adze_status
reduce (onednn_part *part, dnnl_alg_kind_t algorithm, size_t from, size_t to)
{
  const onednn_slot *slots = part->program->slots;
  const onednn_arg args[] = { { DNNL_ARG_SRC, from }, { DNNL_ARG_DST, to } };
  dnnl_reduction_desc_t description;
  dnnl_primitive_desc_t d;
  adze_status status = onednn_checked (
      part,
      dnnl_reduction_desc_init (&description, algorithm, &slots[from].layout, &slots[to].layout,
                                0.0F, 0.0F),
      "a reduction");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  return status == ADZE_OK ? onednn_act_add (part, d, args, 2) : status;
}

static adze_status
reduce_all (onednn_part *part, const reduction *r)
{
  dnnl_memory_desc_t from, to;
  size_t source, target;
  onednn_strided (&from, r->type, r->rank, r->dims, NULL);
  onednn_strided (&to, r->type, r->rank, r->kept, NULL);
  adze_status status = onednn_see (part, part->node->inputs[0], &from, &source);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, part->node->outputs[0], &to, &target);
  return status == ADZE_OK ? reduce (part, r->algorithm, source, target) : status;
}

/* ---- Sums along the first dimensions: a row of ones times a matrix. */

/* The ROWS of the matrix in FROM become one, which is multiplied by SCALE. */
static adze_status
sum_rows (onednn_part *part, int64_t rows, float scale, size_t from, size_t to)
{
  dnnl_memory_desc_t ones;
  dnnl_matmul_desc_t description;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_WEIGHTS, from }, { DNNL_ARG_DST, to } };
  const dnnl_data_type_t type = part->program->slots[from].layout.data_type;
  onednn_strided (&ones, type, 2, (int64_t[]){ 1, rows }, NULL);
  adze_status status = onednn_make_ones (part, (size_t)rows, &ones, &args[0].slot);
  if (status != ADZE_OK)
    return status;
  const onednn_slot *slots = part->program->slots;
  dnnl_status_t made = dnnl_primitive_attr_clone (&attributes, part->self->attributes);
  if (made == dnnl_success && scale != 1.0F)
    made = dnnl_primitive_attr_set_output_scales (attributes, 1, 0, &scale);
  if (made == dnnl_success)
    made = dnnl_matmul_desc_init (&description, &ones, &slots[from].layout, NULL,
                                  &slots[to].layout);
  status = onednn_checked (part, made, "a sum of rows");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, attributes, NULL, &d);
  dnnl_primitive_attr_destroy (attributes);
  return status == ADZE_OK ? onednn_act_add (part, d, args, 3) : status;
}

/* The dimensions as three in a row: some that go, some that stay, some that go. False: they are not
 * like that. */
static bool
three_of (const reduction *r, int64_t *three)
{
  int at = 0;
  three[0] = three[1] = three[2] = 1;
  for (int i = 0; i < r->rank; i++) {
    if (r->dims[i] == 1)
      continue;
    bool stays = r->kept[i] != 1;
    if (stays != (at == 1))
      at++;
    if (at > 2)
      return false;
    three[at] *= r->dims[i];
  }
  return true;
}

/* What goes at the end, into float32 whatever the type: it is only rounded once. MATRIX is a slot
 * of three dimensions before, and one of two afterwards. */
static adze_status
sum_ends (onednn_part *part, dnnl_alg_kind_t algorithm, const int64_t *three, size_t *matrix)
{
  const int64_t shorter[] = { three[0], three[1], 1 };
  dnnl_memory_desc_t between, rows;
  size_t sums;
  onednn_strided (&between, dnnl_f32, 3, shorter, NULL);
  onednn_strided (&rows, dnnl_f32, 2, three, NULL);
  adze_status status = onednn_make_room (part, &between, &sums);
  if (status == ADZE_OK)
    status = reduce (part, algorithm, *matrix, sums);
  return status == ADZE_OK ? onednn_read_as (part, sums, &rows, matrix) : status;
}

/* First what goes at the end, then the rows that remain. */
static adze_status
sum_in_two (onednn_part *part, const reduction *r, const int64_t *three)
{
  bool ends = three[2] > 1;
  const dnnl_data_type_t type = ends ? dnnl_f32 : r->type; /* of the rows, and of their sum */
  const float scale = r->algorithm == dnnl_reduction_mean ? 1.0F / (float)three[0] : 1.0F;
  dnnl_memory_desc_t whole, row, rounded;
  size_t matrix, target, sums;
  onednn_strided (&whole, r->type, ends ? 3 : 2, three, NULL);
  onednn_strided (&row, type, 2, (int64_t[]){ 1, three[1] }, NULL);
  rounded = row;
  rounded.data_type = r->type;
  adze_status status = onednn_see (part, part->node->inputs[0], &whole, &matrix);
  if (status == ADZE_OK && ends)
    status = sum_ends (part, r->algorithm, three, &matrix);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, part->node->outputs[0], &rounded, &target);
  if (status != ADZE_OK || type == r->type)
    return status == ADZE_OK ? sum_rows (part, three[0], scale, matrix, target) : status;
  status = onednn_make_room (part, &row, &sums);
  if (status == ADZE_OK)
    status = sum_rows (part, three[0], scale, matrix, sums);
  return status == ADZE_OK ? onednn_reorder (part, sums, target) : status;
}

static adze_status
emit (onednn_part *part, const reduction *r)
{
  int64_t three[3];
  bool sums = r->algorithm == dnnl_reduction_sum || r->algorithm == dnnl_reduction_mean;
  if (memcmp (r->dims, r->kept, (size_t)r->rank * sizeof *r->dims) == 0)
    return onednn_same_numbers (part);
  if (sums && three_of (r, three) && three[0] > 1 && three[1] > 1)
    return sum_in_two (part, r, three);
  return reduce_all (part, r);
}

/* ---- Reduce*. */

static bool
algorithm_of (const adze_graph_node *node, dnnl_alg_kind_t *algorithm)
{
  static const struct {
    const char *op;
    dnnl_alg_kind_t algorithm;
  } known[] = {
    { "ReduceMax", dnnl_reduction_max },   { "ReduceMean", dnnl_reduction_mean },
    { "ReduceMin", dnnl_reduction_min },   { "ReduceProd", dnnl_reduction_mul },
    { "ReduceSum", dnnl_reduction_sum },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (node->op, known[i].op) == 0) {
      *algorithm = known[i].algorithm;
      return true;
    }
  return false;
}

/* The list of axes, from a constant or the attribute; NULL and 0: there is none. False: it is not
 * known yet. */
static bool
axes_of (const onednn_part *part, const adze_graph_node *node, const int64_t **axes, size_t *count)
{
  *axes = adze_node_ints (node, "axes", count);
  if (node->input_count < 2 || node->inputs[1] == ADZE_NONE)
    return true;
  const adze_graph_value *given = part->service->value (part->graph, node->inputs[1]);
  if (given->role != ADZE_ROLE_CONSTANT || given->rank != 1 || given->dtype.code != ADZE_INT
      || given->dtype.bits != 64 || (given->shape[0] && !given->data))
    return false;
  *axes = (const int64_t *)given->data;
  *count = (size_t)given->shape[0];
  return true;
}

adze_status
onednn_reduce (onednn_part *part)
{
  reduction r = { .rank = 0 };
  const int64_t *axes;
  size_t count;
  adze_status status = onednn_need_floats (part, 1);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *x = onednn_in (part, 0);
  if (!algorithm_of (part->node, &r.algorithm) || !axes_of (part, part->node, &axes, &count))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its axes are not known");
  r.type = onednn_type_of (x);
  r.rank = onednn_dims (x, r.dims);
  memcpy (r.kept, r.dims, sizeof r.dims);
  bool all = count == 0 && !adze_node_int (part->node, "noop_with_empty_axes", 0);
  for (int i = 0; all && i < r.rank; i++)
    r.kept[i] = 1;
  for (size_t i = 0; i < count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + x->rank : axes[i];
    if (axis < 0 || axis >= x->rank)
      return onednn_refuse (part, ADZE_E_FORMAT, "axis %lld is not one of %d", (long long)axes[i],
                            x->rank);
    r.kept[axis] = 1;
  }
  return emit (part, &r);
}

bool
onednn_is_sum_by_channel (const onednn_part *part, const adze_graph_node *node)
{
  const int64_t *axes;
  size_t count;
  int32_t rank = part->service->value (part->graph, node->inputs[0])->rank;
  uint32_t seen = 0;
  if (!axes_of (part, node, &axes, &count) || adze_node_int (node, "keepdims", 1)
      || count + 1 != (size_t)rank)
    return false;
  for (size_t i = 0; i < count; i++)
    seen |= 1U << (axes[i] < 0 ? axes[i] + rank : axes[i]);
  return seen == ((1U << rank) - 1 - 2);
}

/* (values, like) */
adze_status
onednn_sum_to (onednn_part *part)
{
  reduction r = { .algorithm = dnnl_reduction_sum };
  adze_status status = onednn_need_floats (part, 1);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *x = onednn_in (part, 0), *y = onednn_out (part, 0);
  r.type = onednn_type_of (x);
  r.rank = onednn_dims (x, r.dims);
  int missing = r.rank - y->rank;
  for (int i = 0; i < r.rank; i++)
    r.kept[i] = i < missing ? 1 : y->shape[i - missing];
  return emit (part, &r);
}

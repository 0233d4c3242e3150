/* SPDX-License-Identifier: Apache-2.0 */
/* do_reduce.c: ReduceSum and its like, and adze.SumTo. */
#include "onednn.h"

/* Which dimensions go: 1 stands for them in KEPT. */
typedef struct reduction {
  dnnl_alg_kind_t algorithm;
  dnnl_dims_t dims, kept;
  int rank;
} reduction;

static adze_status
emit (onednn_part *part, reduction *r)
{
  dnnl_memory_desc_t from, to;
  dnnl_reduction_desc_t description;
  dnnl_primitive_desc_t d;
  onednn_arg args[] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_DST, 0 } };
  uint32_t value = part->node->outputs[0];
  onednn_strided (&from, r->rank, r->dims, NULL);
  onednn_strided (&to, r->rank, r->kept, NULL);
  adze_status status = onednn_see (part, part->node->inputs[0], &from, &args[0].slot);
  if (status != ADZE_OK)
    return status;
  if (memcmp (r->dims, r->kept, (size_t)r->rank * sizeof *r->dims) == 0) {
    onednn_compact (onednn_out (part, 0), &to);
    return onednn_alias (part, value, args[0].slot, &to);
  }
  status = onednn_make_seen (part, value, &to, &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_checked (
        part, dnnl_reduction_desc_init (&description, r->algorithm, &from, &to, 0.0F, 0.0F),
        "a reduction");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, NULL, NULL, &d);
  return status == ADZE_OK ? onednn_act_add (part, d, args, 2) : status;
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
axes_of (const onednn_part *part, const int64_t **axes, size_t *count)
{
  *axes = adze_node_ints (part->node, "axes", count);
  const adze_graph_value *given = onednn_in (part, 1);
  if (!given)
    return true;
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
  if (!algorithm_of (part->node, &r.algorithm) || !axes_of (part, &axes, &count))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its axes are not known");
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

/* (values, like) */
adze_status
onednn_sum_to (onednn_part *part)
{
  reduction r = { .algorithm = dnnl_reduction_sum };
  adze_status status = onednn_need_floats (part, 1);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *x = onednn_in (part, 0), *y = onednn_out (part, 0);
  r.rank = onednn_dims (x, r.dims);
  int missing = r.rank - y->rank;
  for (int i = 0; i < r.rank; i++)
    r.kept[i] = i < missing ? 1 : y->shape[i - missing];
  return emit (part, &r);
}

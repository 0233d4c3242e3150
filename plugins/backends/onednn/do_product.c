/* SPDX-License-Identifier: Apache-2.0 */
/* do_product.c: MatMul and Gemm. Matrices of weights that never change are kept in the layout that
 * the primitive likes best. */
#include "onednn.h"

typedef struct product {
  uint32_t a, b, bias; /* BIAS may be ADZE_NONE */
  uint32_t value;      /* the result's */
  dnnl_memory_desc_t a_layout, b_layout, bias_layout, result;
  bool a_lies, b_lies; /* they may be taken as they lie, if that is some order of strides */
  float scale;
  dnnl_post_ops_t operations;
  onednn_arg more; /* what OPERATIONS take; its slot is ONEDNN_NO_SLOT where there is nothing */
} product;

static bool
is_constant (const adze_graph_value *value)
{
  return value->role == ADZE_ROLE_CONSTANT && value->data;
}

/* Rows or columns one after the other, and the matrices likewise? */
static bool
is_matrix (const dnnl_memory_desc_t *layout, const dnnl_memory_desc_t *wanted)
{
  const int64_t *strides = layout->format_desc.blocking.strides, *dims = layout->dims;
  int last = layout->ndims - 1;
  if (!onednn_is_strided (layout) || layout->ndims != wanted->ndims || last < 1
      || layout->data_type != wanted->data_type)
    return false;
  for (int i = 0; i <= last; i++)
    if (dims[i] != wanted->dims[i]
        || (i < last - 1 && strides[i] != onednn_product (dims, i + 1, last + 1)))
      return false;
  return (strides[last] == 1 && strides[last - 1] == dims[last])
         || (strides[last - 1] == 1 && strides[last] == dims[last - 1]);
}

/* An operand as it lies, where the product can take it so, with its layout in LAYOUT. */
static adze_status
operand (onednn_part *part, uint32_t value, bool lies, dnnl_memory_desc_t *layout, size_t *slot)
{
  adze_status status = onednn_get (part, value, NULL, slot);
  if (status != ADZE_OK)
    return status;
  if (lies && is_matrix (&part->program->slots[*slot].layout, layout)) {
    *layout = part->program->slots[*slot].layout;
    return ADZE_OK;
  }
  return onednn_see (part, value, layout, slot);
}

/* Matrices that are in no cache: oneDNN's gemm copies blocks of both to where they lie side by side, which its other
 * ways do not do with what is on the left, and pays for that here. */
static bool
is_large (const product *m)
{
  enum { LARGE = 1536 };
  return m->a_layout.ndims == 2 && m->a_layout.data_type == dnnl_f32 && m->a_layout.dims[0] >= LARGE
         && m->a_layout.dims[1] >= LARGE && m->b_layout.dims[1] >= LARGE;
}

static adze_status
describe (onednn_part *part, product *m, const onednn_tail *tail, bool constant,
          dnnl_primitive_desc_t *descriptor)
{
  dnnl_matmul_desc_t description;
  dnnl_memory_desc_t any;
  const dnnl_memory_desc_t *a = &m->a_layout;
  onednn_any (&any, m->b_layout.data_type, m->b_layout.ndims, m->b_layout.dims);
  adze_status status = onednn_checked (
      part,
      dnnl_matmul_desc_init (&description, &m->a_layout, constant ? &any : &m->b_layout,
                             m->bias == ADZE_NONE ? NULL : &m->bias_layout, &m->result),
      "a product");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, tail->attributes, NULL, descriptor);
  bool turned = a->ndims == 2 && a->dims[0] > 1 && a->format_desc.blocking.strides[0] == 1
                && a->dims[1] > 1;
  return status == ADZE_OK && (turned || is_large (m)) && !constant && a->data_type == dnnl_f32
             ? onednn_prefer_gemm (part, &description, tail->attributes, descriptor)
             : status;
}

/* A, B, bias and result; WHERE they are found. */
static adze_status
find_rest (onednn_part *part, product *m, const onednn_tail *tail, bool constant,
           const_dnnl_primitive_desc_t descriptor, onednn_arg *args)
{
  adze_status status = ADZE_OK;
  if (constant)
    status = onednn_see_in (part, m->b, &m->b_layout,
                            onednn_layout_of (descriptor, dnnl_query_weights_md), &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, tail->value, &m->result, &args[2].slot);
  if (status == ADZE_OK && m->bias != ADZE_NONE)
    status = onednn_see (part, m->bias, &m->bias_layout, &args[3].slot);
  return status;
}

static adze_status
multiply_with (onednn_part *part, product *m, const onednn_tail *tail)
{
  onednn_arg args[5] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_WEIGHTS, 0 }, { DNNL_ARG_DST, 0 },
                         { DNNL_ARG_BIAS, 0 } };
  size_t count = m->bias == ADZE_NONE ? 3 : 4;
  bool constant = is_constant (part->service->value (part->graph, m->b)) && !is_large (m);
  dnnl_primitive_desc_t descriptor;
  adze_status status = operand (part, m->a, m->a_lies, &m->a_layout, &args[0].slot);
  if (status == ADZE_OK && !constant)
    status = operand (part, m->b, m->b_lies, &m->b_layout, &args[1].slot);
  if (status == ADZE_OK)
    status = describe (part, m, tail, constant, &descriptor);
  if (status != ADZE_OK)
    return status;
  if (m->more.slot != ONEDNN_NO_SLOT)
    args[count++] = m->more;
  status = find_rest (part, m, tail, constant, descriptor, args);
  if (status == ADZE_OK)
    return onednn_act_add (part, descriptor, args, count);
  dnnl_primitive_desc_destroy (descriptor);
  return status;
}

static adze_status
multiply (onednn_part *part, product *m)
{
  onednn_tail tail;
  adze_status status = onednn_tail_of (part, m->value, m->operations, m->scale, &tail);
  if (status == ADZE_OK)
    status = multiply_with (part, m, &tail);
  onednn_tail_done (part, &tail);
  return status;
}

/* ---- MatMul. */

/* Is OTHER a row of N numbers of TYPE that is there before NODE is reached? */
static bool
is_bias (const onednn_part *part, uint32_t other, dnnl_data_type_t type, int64_t n, int32_t most)
{
  const adze_graph_value *value = part->service->value (part->graph, other);
  if (value->rank < 1 || value->rank > most || onednn_type_of (value) != type
      || value->shape[value->rank - 1] != n || onednn_product (value->shape, 0, value->rank) != n)
    return false;
  return value->node == ADZE_NONE || part->done[value->node];
}

/* An Add of a bias behind it becomes a part of the product. */
static void
take_bias (onednn_part *part, product *m)
{
  const adze_graph_node *add = onednn_only_user (part, m->value);
  if (!add || add->domain[0] || strcmp (add->op, "Add") != 0)
    return;
  const adze_graph_value *value = part->service->value (part->graph, m->value);
  uint32_t other = add->inputs[add->inputs[0] == m->value];
  dnnl_data_type_t type = m->result.data_type;
  dnnl_dims_t dims;
  int last = m->result.ndims - 1;
  if (value->rank < 1 || value->shape[value->rank - 1] != m->result.dims[last]
      || !is_bias (part, other, type, m->result.dims[last], value->rank))
    return;
  for (int i = 0; i <= last; i++)
    dims[i] = i < last ? 1 : m->result.dims[last];
  onednn_strided (&m->bias_layout, type, last + 1, dims, NULL);
  m->bias = other;
  m->value = add->outputs[0];
  part->done[add->number] = true;
}

/* One matrix on the right: all that is on the left is rows of one matrix. */
static void
one_matrix (const adze_graph_value *a, const adze_graph_value *b, product *m)
{
  const int64_t rows = a->rank > 1 ? onednn_product (a->shape, 0, a->rank - 1) : 1;
  const int64_t depth = a->shape[a->rank - 1], columns = b->rank > 1 ? b->shape[1] : 1;
  const dnnl_data_type_t type = onednn_type_of (a);
  onednn_strided (&m->a_layout, type, 2, (int64_t[]){ rows, depth }, NULL);
  onednn_strided (&m->b_layout, type, 2, (int64_t[]){ depth, columns }, NULL);
  onednn_strided (&m->result, type, 2, (int64_t[]){ rows, columns }, NULL);
}

/* B has three dimensions or more. */
static void
many_matrices (const adze_graph_value *a, const adze_graph_value *b, product *m)
{
  dnnl_dims_t dims;
  int rank = a->rank > b->rank ? a->rank : b->rank;
  onednn_stretched (a, rank, &m->a_layout);
  onednn_stretched (b, rank, &m->b_layout);
  for (int i = 0; i < rank - 2; i++)
    dims[i] = m->a_layout.dims[i] == 1 ? m->b_layout.dims[i] : m->a_layout.dims[i];
  dims[rank - 2] = m->a_layout.dims[rank - 2];
  dims[rank - 1] = m->b_layout.dims[rank - 1];
  onednn_strided (&m->result, m->a_layout.data_type, rank, dims, NULL);
}

adze_status
onednn_mat_mul (onednn_part *part)
{
  product m = { .bias = ADZE_NONE, .scale = 1, .a_lies = true, .b_lies = true,
                .more = { 0, ONEDNN_NO_SLOT } };
  adze_status status = onednn_need_floats (part, 2);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *a = onednn_in (part, 0), *b = onednn_in (part, 1);
  if (!b || a->rank < 1 || b->rank < 1)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "an input is a scalar or left out");
  m.a = part->node->inputs[0];
  m.b = part->node->inputs[1];
  m.value = part->node->outputs[0];
  if (b->rank <= 2)
    one_matrix (a, b, &m);
  else
    many_matrices (a, b, &m);
  take_bias (part, &m);
  status = onednn_checked (part, dnnl_post_ops_create (&m.operations), "post-ops");
  return status == ADZE_OK ? multiply (part, &m) : status;
}

/* ---- Gemm. */

/* A matrix of ROWS and COLUMNS, of which the transposed one may lie there. */
static void
matrix (dnnl_memory_desc_t *layout, dnnl_data_type_t type, int64_t rows, int64_t columns,
        bool transposed)
{
  const int64_t dims[] = { rows, columns }, strides[] = { 1, rows };
  onednn_strided (layout, type, 2, dims, transposed ? strides : NULL);
}

/* C as a bias where it is one and nothing is multiplied; otherwise it is added behind the product,
 * which was divided by beta, and all is multiplied by beta. */
static adze_status
add_c (onednn_part *part, product *m, float alpha, float beta)
{
  const adze_graph_value *c = onednn_in (part, 2);
  dnnl_memory_desc_t layout;
  m->scale = alpha;
  if (!c || beta == 0.0F)
    return ADZE_OK;
  onednn_stretched (c, 2, &layout);
  if (alpha == 1.0F && beta == 1.0F && layout.dims[0] == 1 && layout.dims[1] == m->result.dims[1]) {
    m->bias = part->node->inputs[2];
    m->bias_layout = layout;
    return ADZE_OK;
  }
  /* 28 s for 1024 rows and columns, where the product alone takes .02. */
  if (layout.dims[0] > 1 && layout.dims[1] == 1 && m->result.dims[1] > 1)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "its C has a number for each row, which oneDNN adds in its slowest way");
  m->scale = alpha / beta;
  m->more.what = DNNL_ARG_ATTR_MULTIPLE_POST_OP (0) | DNNL_ARG_SRC_1;
  adze_status status = onednn_see (part, part->node->inputs[2], &layout, &m->more.slot);
  if (status == ADZE_OK)
    status = onednn_checked (
        part, dnnl_post_ops_append_binary (m->operations, dnnl_binary_add, &layout), "post-ops");
  if (status == ADZE_OK && beta != 1.0F)
    status = onednn_checked (part,
                             dnnl_post_ops_append_eltwise (m->operations, 1.0F,
                                                           dnnl_eltwise_linear, beta, 0.0F),
                             "post-ops");
  return status;
}

adze_status
onednn_gemm (onednn_part *part)
{
  product m = { .bias = ADZE_NONE, .more = { 0, ONEDNN_NO_SLOT } };
  const adze_graph_node *node = part->node;
  adze_status status = onednn_need_floats (part, 3);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *a = onednn_in (part, 0), *b = onednn_in (part, 1);
  const adze_graph_value *y = onednn_out (part, 0);
  if (!b || a->rank != 2 || b->rank != 2 || y->rank != 2)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its inputs are no matrices");
  bool left = adze_node_int (node, "transA", 0) != 0;
  bool right = adze_node_int (node, "transB", 0) != 0;
  m.a = node->inputs[0];
  m.b = node->inputs[1];
  m.value = node->outputs[0];
  m.a_lies = !left;
  m.b_lies = !right;
  const dnnl_data_type_t type = onednn_type_of (a);
  matrix (&m.a_layout, type, y->shape[0], a->shape[!left], left);
  matrix (&m.b_layout, type, a->shape[!left], y->shape[1], right);
  matrix (&m.result, type, y->shape[0], y->shape[1], false);
  status = onednn_checked (part, dnnl_post_ops_create (&m.operations), "post-ops");
  if (status != ADZE_OK)
    return status;
  status = add_c (part, &m, adze_node_float (node, "alpha", 1), adze_node_float (node, "beta", 1));
  if (status == ADZE_OK)
    return multiply (part, &m);
  dnnl_post_ops_destroy (m.operations);
  return status;
}

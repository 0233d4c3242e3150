/* SPDX-License-Identifier: Apache-2.0 */
/* do_integer.c: QLinearConv, ConvInteger, QLinearMatMul, MatMulInteger. A convolution with one
 * position, as dense layers are written, is a product of matrices. */
#include "integer.h"

/* ---- Products of matrices. */

typedef struct matrices {
  size_t rows, weights; /* slots, of two dimensions; the weights' in any layout */
  dnnl_memory_desc_t result, bias;
} matrices;

static adze_status
multiply_with (onednn_part *part, const onednn_integer *m, const matrices *f,
               dnnl_primitive_attr_t attributes, onednn_arg more)
{
  onednn_arg args[5] = { { DNNL_ARG_SRC, f->rows }, { DNNL_ARG_WEIGHTS, 0 }, { DNNL_ARG_DST, 0 } };
  size_t count = 3;
  dnnl_matmul_desc_t description;
  dnnl_primitive_desc_t d;
  const dnnl_memory_desc_t rows = part->program->slots[f->rows].layout;
  dnnl_memory_desc_t any, result = f->result;
  onednn_any (&any, dnnl_s8, 2, part->program->slots[f->weights].layout.dims);
  result.data_type = m->type;
  adze_status status = onednn_checked (
      part,
      dnnl_matmul_desc_init (&description, &rows, &any, m->bias == ADZE_NONE ? NULL : &f->bias,
                             &result),
      "a product of integers");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, attributes, NULL, &d);
  if (status != ADZE_OK)
    return status;
  status = onednn_convert (part, f->weights, onednn_layout_of (d, dnnl_query_weights_md),
                           &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make_seen (part, m->value, &result, &args[2].slot);
  if (status == ADZE_OK && m->bias != ADZE_NONE) {
    args[count].what = DNNL_ARG_BIAS;
    status = onednn_see (part, m->bias, &f->bias, &args[count++].slot);
  }
  if (more.slot != ONEDNN_NO_SLOT)
    args[count++] = more;
  if (status == ADZE_OK)
    return onednn_act_add (part, d, args, count);
  dnnl_primitive_desc_destroy (d);
  return status;
}

static adze_status
multiply (onednn_part *part, onednn_integer *m, void *matrices_of_it)
{
  dnnl_primitive_attr_t attributes;
  onednn_arg more;
  adze_status status = onednn_integer_attributes (part, m, 2, 1, &attributes, &more);
  if (status == ADZE_OK)
    status = multiply_with (part, m, matrices_of_it, attributes, more);
  dnnl_primitive_attr_destroy (attributes);
  return status;
}

typedef adze_status emitter (onednn_part *part, onednn_integer *m, void *argument);

/* Tries it, and leaves the program as it was. */
static bool
can_be (onednn_part *part, onednn_integer *m, emitter *emit, void *argument)
{
  adze_program *p = part->program;
  size_t stores = p->store_count, slots = p->slot_count;
  part->trial = true;
  adze_status status = emit (part, m, argument);
  part->trial = false;
  p->store_count = stores;
  p->slot_count = slots;
  return status == ADZE_OK;
}

/* What lies behind may be more than oneDNN can do together with a product of these types; the product
 * alone was asked for when the node was claimed. */
static adze_status
with_what_is_behind (onednn_part *part, onednn_integer *m, emitter *emit, void *argument)
{
  if (m->node_count && !can_be (part, m, emit, argument))
    onednn_integer_alone (part, m);
  adze_status status = emit (part, m, argument);
  if (status == ADZE_OK)
    onednn_integer_done (part, m);
  return status;
}

/* ---- Convolutions. */

typedef struct conv {
  onednn_window window;
  dnnl_memory_desc_t images, positions, weights; /* in any layout */
  dnnl_memory_desc_t compact_weights, bias;
} conv;

static adze_status
conv_of (const onednn_part *part, const onednn_integer *m, int64_t groups, conv *c)
{
  dnnl_dims_t dims;
  int rank = 0;
  const adze_graph_value *w = m->w;
  if (w->rank != m->x->rank || w->rank < 3 || groups < 1 || w->shape[0] % groups
      || w->shape[1] * groups != m->x->shape[1])
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its shapes and groups do not fit each other");
  if (groups > 1)
    dims[rank++] = groups;
  dims[rank++] = w->shape[0] / groups;
  for (int32_t i = 1; i < w->rank; i++)
    dims[rank++] = w->shape[i];
  onednn_any (&c->weights, dnnl_s8, rank, dims);
  onednn_strided (&c->compact_weights, dnnl_s8, rank, dims, NULL);
  onednn_any (&c->images, onednn_type_of (m->x), m->x->rank, m->x->shape);
  onednn_any (&c->positions, m->type, m->y->rank, m->y->shape);
  onednn_strided (&c->bias, dnnl_s32, 1, w->shape, NULL);
  return onednn_window_of (part, m->x, m->y, w->shape + 2, &c->window);
}

static adze_status
convolve_with (onednn_part *part, const onednn_integer *m, conv *c,
               dnnl_primitive_attr_t attributes, onednn_arg more)
{
  onednn_arg args[5] = { { DNNL_ARG_SRC, 0 }, { DNNL_ARG_WEIGHTS, 0 }, { DNNL_ARG_DST, 0 } };
  size_t count = 3;
  dnnl_convolution_desc_t description;
  dnnl_primitive_desc_t d;
  const onednn_window *w = &c->window;
  c->positions.data_type = m->type;
  adze_status status = onednn_checked (
      part,
      dnnl_dilated_convolution_forward_desc_init (
          &description, dnnl_forward_inference, dnnl_convolution_direct, &c->images, &c->weights,
          m->bias == ADZE_NONE ? NULL : &c->bias, &c->positions, w->strides, w->dilations,
          w->before, w->after),
      "a convolution of integers");
  if (status == ADZE_OK)
    status = onednn_descriptor (part, &description, attributes, NULL, &d);
  if (status != ADZE_OK)
    return status;
  status = onednn_get (part, part->node->inputs[0], onednn_layout_of (d, dnnl_query_src_md),
                       &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_see_in (part, m->weights, &c->compact_weights,
                            onednn_layout_of (d, dnnl_query_weights_md), &args[1].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, m->value, onednn_layout_of (d, dnnl_query_dst_md), &args[2].slot);
  if (status == ADZE_OK && m->bias != ADZE_NONE) {
    args[count].what = DNNL_ARG_BIAS;
    status = onednn_see (part, m->bias, &c->bias, &args[count++].slot);
  }
  if (more.slot != ONEDNN_NO_SLOT)
    args[count++] = more;
  if (status == ADZE_OK)
    return onednn_act_add (part, d, args, count);
  dnnl_primitive_desc_destroy (d);
  return status;
}

static adze_status
convolve (onednn_part *part, onednn_integer *m, void *conv_of_it)
{
  dnnl_primitive_attr_t attributes;
  onednn_arg more;
  adze_status status = onednn_integer_attributes (part, m, m->y->rank, 1, &attributes, &more);
  if (status == ADZE_OK)
    status = convolve_with (part, m, conv_of_it, attributes, more);
  dnnl_primitive_attr_destroy (attributes);
  return status;
}

/* ---- Of one position. */

static bool
has_one_position (const onednn_integer *m, const conv *c, int64_t groups)
{
  bool one = groups == 1;
  for (int d = 0; one && d < c->window.dims; d++)
    one = m->y->shape[2 + d] == 1 && m->x->shape[2 + d] == m->w->shape[2 + d]
          && c->window.before[d] == 0 && c->window.after[d] == 0;
  return one;
}

/* Images as they lie, where that is compact or with channels last; the dimensions of the weights in
 * the same order, and then their channels, are ORDER. */
static adze_status
image_rows (onednn_part *part, const adze_graph_value *x, int *order, size_t *slot)
{
  dnnl_memory_desc_t compact, last;
  dnnl_dims_t strides;
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, slot);
  if (status != ADZE_OK)
    return status;
  int64_t step = x->shape[1];
  for (int d = x->rank; d-- > 2; step *= x->shape[d])
    strides[d] = step;
  strides[1] = 1;
  strides[0] = step;
  onednn_strided (&last, onednn_type_of (x), x->rank, x->shape, strides);
  bool is_last = onednn_same (&part->program->slots[*slot].layout, &last);
  for (int d = 1; d < x->rank; d++)
    order[d - 1] = !is_last ? d : d < x->rank - 1 ? d + 1 : 1;
  order[x->rank - 1] = 0;
  if (is_last)
    return ADZE_OK;
  onednn_compact (x, &compact);
  return onednn_get (part, part->node->inputs[0], &compact, slot);
}

static adze_status
dense (onednn_part *part, onednn_integer *m, const conv *c)
{
  matrices f;
  int order[DNNL_MAX_NDIMS];
  dnnl_memory_desc_t seen, turned, matrix;
  dnnl_dims_t dims, strides;
  size_t slot;
  adze_status status = image_rows (part, m->x, order, &slot);
  if (status != ADZE_OK)
    return status;
  const int64_t elements = onednn_product (m->x->shape, 1, m->x->rank);
  const int64_t rows[] = { m->x->shape[0], elements };
  const int64_t result[] = { m->x->shape[0], m->w->shape[0] };
  const int64_t weights[] = { elements, m->w->shape[0] }, bias[] = { 1, m->w->shape[0] };
  for (int d = 0; d < m->w->rank; d++) {
    dims[d] = m->w->shape[order[d]];
    strides[d] = c->compact_weights.format_desc.blocking.strides[order[d]];
  }
  onednn_strided (&seen, dnnl_s8, m->w->rank, dims, strides);
  onednn_strided (&turned, dnnl_s8, m->w->rank, dims, NULL);
  onednn_strided (&matrix, onednn_type_of (m->x), 2, rows, NULL);
  onednn_strided (&f.result, m->type, 2, result, NULL);
  onednn_strided (&f.bias, dnnl_s32, 2, bias, NULL);
  status = onednn_read_as (part, slot, &matrix, &f.rows);
  if (status == ADZE_OK)
    status = onednn_see_in (part, m->weights, &seen, &turned, &slot);
  onednn_strided (&matrix, dnnl_s8, 2, weights, NULL);
  if (status == ADZE_OK)
    status = onednn_read_as (part, slot, &matrix, &f.weights);
  return status == ADZE_OK ? with_what_is_behind (part, m, multiply, &f) : status;
}

static adze_status
convolution (onednn_part *part, onednn_integer *m)
{
  conv c;
  int64_t groups = adze_node_int (part->node, "group", 1);
  adze_status status = conv_of (part, m, groups, &c);
  if (status != ADZE_OK)
    return status;
  if (has_one_position (m, &c, groups))
    return dense (part, m, &c);
  return onednn_few_do (part, m, &c.window, groups)
             ? onednn_few (part, m, &c.window)
             : with_what_is_behind (part, m, convolve, &c);
}

/* ---- Nodes that are products of matrices: one matrix of weights, so that all that is on the left is
 * rows. */

static adze_status
product (onednn_part *part, onednn_integer *m)
{
  matrices f;
  dnnl_memory_desc_t matrix;
  if (m->w->rank != 2 || m->x->rank < 1)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its weights are not one matrix");
  const int64_t rows[] = { onednn_product (m->x->shape, 0, m->x->rank - 1), m->w->shape[0] };
  const int64_t result[] = { rows[0], m->w->shape[1] };
  onednn_strided (&matrix, onednn_type_of (m->x), 2, rows, NULL);
  onednn_strided (&f.result, m->type, 2, result, NULL);
  adze_status status = onednn_see (part, part->node->inputs[0], &matrix, &f.rows);
  if (status == ADZE_OK)
    status = onednn_get (part, m->weights, NULL, &f.weights);
  return status == ADZE_OK ? with_what_is_behind (part, m, multiply, &f) : status;
}

/* ---- The four nodes: how their inputs are read, and what they do. */

typedef adze_status reader (onednn_part *part, int axis, onednn_integer *m);

static adze_status
of_integers (onednn_part *part, reader *read, int axis,
             adze_status (*work) (onednn_part *part, onednn_integer *m))
{
  onednn_integer m;
  adze_status status = read (part, axis, &m);
  if (status == ADZE_OK)
    status = work (part, &m);
  onednn_integer_close (part, &m);
  return status;
}

adze_status
onednn_q_linear_conv (onednn_part *part)
{
  return of_integers (part, onednn_integer_rescaled, 0, convolution);
}

adze_status
onednn_conv_integer (onednn_part *part)
{
  return of_integers (part, onednn_integer_sums, 0, convolution);
}

adze_status
onednn_q_linear_mat_mul (onednn_part *part)
{
  return of_integers (part, onednn_integer_rescaled, 1, product);
}

adze_status
onednn_mat_mul_integer (onednn_part *part)
{
  return of_integers (part, onednn_integer_sums, 1, product);
}

/* ---- Cast, where it is not done together with a product. */

/* Sums as floats, and floats as those of the other length. */
static bool
may_cast (const onednn_part *part, dnnl_data_type_t from, dnnl_data_type_t to)
{
  if (to == dnnl_f32)
    return from == dnnl_s32 || (from == dnnl_bf16 && part->self->bfloats);
  return to == dnnl_bf16 && from == dnnl_f32 && part->self->bfloats;
}

/* Cast and CastLike: another type is another layout. */
adze_status
onednn_cast (onednn_part *part)
{
  const adze_graph_value *x = onednn_in (part, 0), *y = onednn_out (part, 0);
  dnnl_memory_desc_t layout;
  size_t from, to;
  if (!x || !y || !may_cast (part, onednn_type_of (x), onednn_type_of (y))
      || !onednn_is_settled (x))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "it makes no float32 of int32 or bfloat16, and no bfloat16 of float32");
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, &from);
  if (status != ADZE_OK)
    return status;
  layout = part->program->slots[from].layout;
  layout.data_type = onednn_type_of (y);
  status = onednn_make (part, part->node->outputs[0], &layout, &to);
  return status == ADZE_OK ? onednn_reorder (part, from, to) : status;
}

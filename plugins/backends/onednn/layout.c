/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: memory descriptors. */
#include "onednn.h"

dnnl_data_type_t
onednn_type_of (const adze_graph_value *value)
{
  adze_dtype dtype = value->dtype;
  if (dtype.lanes != 1)
    return dnnl_data_type_undef;
  if (dtype.code == ADZE_FLOAT && dtype.bits == 32)
    return dnnl_f32;
  if (dtype.code == ADZE_BFLOAT && dtype.bits == 16)
    return dnnl_bf16;
  if (dtype.code == ADZE_INT && (dtype.bits == 8 || dtype.bits == 32))
    return dtype.bits == 8 ? dnnl_s8 : dnnl_s32;
  return dtype.code == ADZE_UINT && dtype.bits == 8 ? dnnl_u8 : dnnl_data_type_undef;
}

int
onednn_dims (const adze_graph_value *value, dnnl_dims_t dims)
{
  dims[0] = 1;
  for (int32_t i = 0; i < value->rank; i++)
    dims[i] = value->shape[i];
  return value->rank ? value->rank : 1;
}

/* It fails for a rank or a size that is not there alone, and those have been looked at. */
void
onednn_strided (dnnl_memory_desc_t *layout, dnnl_data_type_t type, int rank, const int64_t *dims,
                const int64_t *strides)
{
  dnnl_dims_t compact;
  int64_t step = 1;
  for (int i = rank; i-- > 0;) {
    compact[i] = step;
    step *= dims[i];
  }
  dnnl_memory_desc_init_by_strides (layout, rank, dims, type, strides ? strides : compact);
}

void
onednn_any (dnnl_memory_desc_t *layout, dnnl_data_type_t type, int rank, const int64_t *dims)
{
  dnnl_memory_desc_init_by_tag (layout, rank, dims, type, dnnl_format_tag_any);
}

void
onednn_compact (const adze_graph_value *value, dnnl_memory_desc_t *layout)
{
  dnnl_dims_t dims;
  int rank = onednn_dims (value, dims);
  onednn_strided (layout, onednn_type_of (value), rank, dims, NULL);
}

void
onednn_stretched (const adze_graph_value *value, int rank, dnnl_memory_desc_t *layout)
{
  dnnl_dims_t dims;
  int missing = rank - value->rank;
  for (int i = 0; i < rank; i++)
    dims[i] = i < missing ? 1 : value->shape[i - missing];
  onednn_strided (layout, onednn_type_of (value), rank, dims, NULL);
}

bool
onednn_is_strided (const dnnl_memory_desc_t *layout)
{
  return layout->format_kind == dnnl_blocked && layout->format_desc.blocking.inner_nblks == 0
         && layout->extra.flags == dnnl_memory_extra_flag_none;
}

int64_t
onednn_block_of (const dnnl_memory_desc_t *layout)
{
  const dnnl_blocking_desc_t *blocking = &layout->format_desc.blocking;
  if (onednn_is_strided (layout))
    return 1;
  if (layout->format_kind != dnnl_blocked || blocking->inner_nblks != 1
      || blocking->inner_idxs[0] != 1 || layout->extra.flags != dnnl_memory_extra_flag_none)
    return 0;
  return blocking->inner_blks[0];
}

void
onednn_like (const dnnl_memory_desc_t *other, const adze_graph_value *value,
             dnnl_memory_desc_t *layout)
{
  int64_t block = onednn_block_of (other), step = block, *strides;
  bool last = block == 1 && other->format_desc.blocking.strides[1] == 1;
  *layout = *other;
  strides = layout->format_desc.blocking.strides;
  if (last)
    step *= value->shape[1];
  for (int i = value->rank; i-- > 2;) {
    layout->dims[i] = layout->padded_dims[i] = value->shape[i];
    strides[i] = step;
    step *= value->shape[i];
  }
  if (!last) {
    strides[1] = step;
    step *= layout->padded_dims[1] / block;
  }
  strides[0] = step;
}

/* A dimension of 1 may have any stride; dnnl_memory_desc_equal does not know that. */
bool
onednn_same (const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b)
{
  const dnnl_blocking_desc_t *x = &a->format_desc.blocking, *y = &b->format_desc.blocking;
  if (a->ndims != b->ndims || a->format_kind != dnnl_blocked || b->format_kind != dnnl_blocked)
    return false;
  if (!onednn_is_strided (a) || !onednn_is_strided (b))
    return dnnl_memory_desc_equal (a, b) != 0;
  if (a->offset0 != b->offset0 || a->data_type != b->data_type)
    return false;
  for (int i = 0; i < a->ndims; i++)
    if (a->dims[i] != b->dims[i] || (a->dims[i] != 1 && x->strides[i] != y->strides[i]))
      return false;
  return true;
}

int64_t
onednn_product (const int64_t *dims, int first, int last)
{
  int64_t product = 1;
  for (int i = first; i < last; i++)
    product *= dims[i];
  return product;
}

const dnnl_memory_desc_t *
onednn_layout_of (const_dnnl_primitive_desc_t descriptor, dnnl_query_t what)
{
  return dnnl_primitive_desc_query_md (descriptor, what, 0);
}

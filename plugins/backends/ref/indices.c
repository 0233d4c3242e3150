/* SPDX-License-Identifier: Apache-2.0 */
/* indices.c: numbers that say where something lies. */
#include "indices.h"

adze_status
ref_indices (ref_call *call, size_t index, const int64_t *limits, size_t columns,
             const int64_t **indices)
{
  const adze_view *in = ref_in (call, index);
  ref_type type = in ? ref_view_type (in) : REF_OTHER;
  if (type != REF_I32 && type != REF_I64)
    return ref_refuse_type (call, index);
  size_t count = adze_view_count (in);
  int64_t *kept = ref_take (call, count, sizeof *kept);
  if (!kept)
    return ref_no_memory (call);
  const void *data = adze_view_data (in);
  for (size_t i = 0; i < count; i++) {
    int64_t at = type == REF_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
    int64_t limit = limits[i % columns];
    if (at < -limit || at >= limit)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "element %zu of input %zu is the index %lld, of something that has %lld",
                         i, index, (long long)at, (long long)limit);
    kept[i] = at < 0 ? at + limit : at;
  }
  *indices = kept;
  return ADZE_OK;
}

adze_status
ref_block_places (ref_call *call, size_t index, const adze_view *data, int32_t first,
                  const size_t **places, size_t *count, size_t *block)
{
  const adze_view *in = ref_in (call, index);
  if (!in || in->rank < 1 || first < 0 || first >= in->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "input %zu needs at least %d dimensions", index,
                       first < 0 ? 1 : first + 1);
  int64_t columns = in->shape[in->rank - 1];
  if (columns < 0 || first > data->rank || columns > data->rank - first)
    return ref_refuse (call, ADZE_E_FORMAT, "rows of %lld indices, for %d dimensions",
                       (long long)columns, data->rank - first);
  int32_t width = (int32_t)columns;
  const int64_t *indices = NULL;
  adze_status status = ref_indices (call, index, data->shape + first,
                                    width ? (size_t)width : 1, &indices);
  if (status != ADZE_OK)
    return status;
  *count = ref_product (in, 0, in->rank - 1);
  *block = ref_product (data, first + width, data->rank);
  size_t *at = ref_take (call, *count, sizeof *at);
  if (!at)
    return ref_no_memory (call);
  for (size_t i = 0; i < *count; i++) {
    at[i] = 0;
    for (int32_t c = 0; c < width; c++)
      at[i]
          = at[i] * (size_t)data->shape[first + c] + (size_t)indices[i * (size_t)width + (size_t)c];
    at[i] *= *block;
  }
  *places = at;
  return ADZE_OK;
}

adze_status
ref_check_along (ref_call *call, size_t index, int32_t axis)
{
  const adze_view *data = ref_in (call, 0), *in = ref_in (call, index);
  if (!in)
    return ref_refuse_type (call, index);
  bool fits = in->rank == data->rank;
  for (int32_t d = 0; fits && d < data->rank; d++)
    fits = d == axis || in->shape[d] <= data->shape[d];
  return fits ? ADZE_OK
              : ref_refuse (call, ADZE_E_FORMAT,
                            "input %zu reaches beyond the data in other dimensions than %d", index,
                            axis);
}

size_t
ref_place_along (const adze_view *data, const adze_view *indices, int32_t axis, size_t number,
                 int64_t along)
{
  size_t at = 0, reach = 1;
  for (int32_t d = data->rank; d-- > 0;) {
    size_t own = number % (size_t)indices->shape[d];
    number /= (size_t)indices->shape[d];
    at += (d == axis ? (size_t)along : own) * reach;
    reach *= (size_t)data->shape[d];
  }
  return at;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_numbers.c: a tensor's elements as the finite float32 that codecs take: what is none is refused, or
 * becomes what the stage says. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3") /* what looks at all numbers, of adze/numbers.h */
#endif
#include "quantize.h"

#include <string.h>

quantize_mends
quantize_mends_of (const adze_host *host, const adze_params *values)
{
  const char *infinity = adze_param_string (host, values, "infinity");
  return (quantize_mends){ .nan = strcmp (adze_param_string (host, values, "nan"), "zero") == 0,
                           .infinity = strcmp (infinity, "error") != 0,
                           .greatest = strcmp (infinity, "greatest") == 0 };
}

static bool
is_nan (float value)
{
  return value != value;
}

static bool
is_finite (float value)
{
  return (adze_float_bits (value) & 0x7f800000) != 0x7f800000;
}

static adze_status
refuse (const adze_host *host, const adze_tensor *input, uint64_t first, size_t at, float value)
{
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is %s at element %llu, which no codec can write; mend the model, say %s, or "
                    "leave the tensor as it is by a rule with skip = true",
                    input->name, is_nan (value) ? "NaN" : "infinite", (unsigned long long)(first + at),
                    is_nan (value) ? "nan = \"zero\"" : "infinity = \"zero\" or \"greatest\"");
}

/* Counted in ODD, and made what MENDS says; what it says nothing of is refused. */
static adze_status
mend (const adze_host *host, const quantize_tensor *tensor, const adze_tensor *input, uint64_t first,
      float *values, size_t count, quantize_odd *odd)
{
  const quantize_mends *mends = &tensor->mends;
  const quantize_head *found = (const quantize_head *)tensor->found;
  float greatest = mends->greatest && found ? found->odd.greatest : 0;
  for (size_t i = 0; i < count; i++) {
    float size = values[i] < 0 ? -values[i] : values[i];
    if (is_finite (size)) {
      odd->greatest = size > odd->greatest ? size : odd->greatest;
      continue;
    }
    bool nan = is_nan (values[i]);
    if (nan ? !mends->nan : !mends->infinity)
      return refuse (host, input, first, i, values[i]);
    *(nan ? &odd->nans : &odd->infinities) += 1;
    values[i] = nan ? 0 : values[i] < 0 ? -greatest : greatest;
  }
  return ADZE_OK;
}

static float
greatest_of (const float *values, size_t count)
{
  float greatest = 0;
  for (size_t i = 0; i < count; i++) {
    float size = values[i] < 0 ? -values[i] : values[i];
    greatest = size > greatest ? size : greatest;
  }
  return greatest;
}

/* A copy where the elements are of another type, or are mended. */
adze_status
quantize_floats (const adze_host *host, const quantize_tensor *tensor, const adze_tensor *input,
                 uint64_t first, quantize_floats_room *room, quantize_odd *odd)
{
  const adze_view *view = &input->view;
  size_t count = adze_view_count (view);
  bool finite = adze_numbers_are_finite (view->dtype, adze_view_data (view), count);
  *room = (quantize_floats_room){ .values = (const float *)adze_view_data (view) };
  if (view->dtype.bits != 32 || !finite) {
    room->made = (float *)host->allocate (host, count * sizeof *room->made + 1);
    if (!room->made)
      return adze_fail (host, ADZE_E_MEMORY, "no room for the numbers of '%s'", input->name);
    room->values = room->made;
    adze_floats_read (view->dtype, adze_view_data (view), count, room->made);
  }
  if (!finite)
    return mend (host, tensor, input, first, room->made, count, odd);
  if (tensor->mends.greatest) {
    float greatest = greatest_of (room->values, count);
    odd->greatest = greatest > odd->greatest ? greatest : odd->greatest;
  }
  return ADZE_OK;
}

/* ---- What is told of it. */

static adze_field
whole (const char *key, uint64_t number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)number } };
}

/* What was observed of a tensor is settled, and told. */
adze_status
quantize_tell (const adze_host *host, quantize *self, quantize_tensor *tensor,
               const adze_tensor_meta *meta)
{
  enum { MOST = 16, OWN = 3 };
  adze_field fields[MOST];
  uint32_t told = 0, count = 0;
  const adze_codecs_service *codecs = adze_codecs_of (host);
  const quantize_head *head = (const quantize_head *)tensor->found;
  fields[count++] = (adze_field){ .key = "codec",
                                  .type = ADZE_FIELD_STRING,
                                  .value = { .string = codecs->id (tensor->use) } };
  if (quantize_mends_any (&tensor->mends)) {
    fields[count++] = whole ("nan", head->odd.nans);
    fields[count++] = whole ("infinite", head->odd.infinities);
    self->odd.nans += head->odd.nans;
    self->odd.infinities += head->odd.infinities;
    if (head->odd.nans + head->odd.infinities > 0 && self->odd_tensors++ == 0)
      self->first_odd = tensor->name;
  }
  if (quantize_found (tensor)) {
    adze_status status = codecs->decide (host, tensor->use, meta, (quantize_head *)tensor->found + 1,
                                         fields + count, MOST - OWN, &told);
    if (status != ADZE_OK)
      return status;
  }
  return adze_decided (host, tensor->name, fields, count + told);
}

/* Of all tensors. */
adze_status
quantize_tell_odd (const adze_host *host, const quantize *self)
{
  if (!self->mends)
    return ADZE_OK;
  adze_status status = adze_metric (host, "nan", (double)self->odd.nans, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "infinite", (double)self->odd.infinities, NULL);
  if (self->odd_tensors > 0)
    adze_log (host, ADZE_LOG_WARNING,
              "%llu NaN and %llu infinite numbers were replaced, in %llu tensor%s, '%s' being the first",
              (unsigned long long)self->odd.nans, (unsigned long long)self->odd.infinities,
              (unsigned long long)self->odd_tensors, self->odd_tensors == 1 ? "" : "s", self->first_odd);
  return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of channels in tensors of which no network says how they are computed with: one of each matrix. */
#include "structured.h"

#include <stdio.h>

/* Tensor NAME, "x.weight": number of the vector "x.bias" with a number for each of its rows. */
static size_t
bias_of (const structured *self, const structured_tensor *tensor)
{
  static const char weight[] = "weight", bias[] = "bias";
  char name[512];
  size_t size = strlen (tensor->name), stem = size - (sizeof weight - 1);
  if (size < sizeof weight || size >= sizeof name || strcmp (tensor->name + stem, weight) != 0)
    return STRUCTURED_NONE;
  memcpy (name, tensor->name, stem);
  memcpy (name + stem, bias, sizeof bias);
  const structured_tensor *found = structured_tensor_of (self, name);
  bool fits = found && found->rank == 1 && found->shape[0] == tensor->shape[0];
  return fits ? (size_t)((const char *)found - self->tensors.items) / sizeof *found : STRUCTURED_NONE;
}

static adze_status
add_part (const adze_host *host, structured *self, size_t tensor, int32_t axis, bool ranked, size_t per)
{
  adze_status status = structured_add_part (host, self, tensor, axis, ranked, per);
  if (status != ADZE_OK)
    return status;
  int64_t *indices = self->parts[self->part_count - 1].indices;
  size_t places = self->sets[self->set_count - 1].count * per;
  for (size_t i = 0; i < places; i++)
    indices[i] = (int64_t)i;
  return ADZE_OK;
}

static adze_status
add_set (const adze_host *host, const adze_outline *outline, structured *self, size_t number, int64_t heads)
{
  const structured_tensor *tensor = structured_tensor_at (self, number);
  int32_t axis = self->wish.of == STRUCTURED_CHANNELS ? 1 : 0;
  size_t places = (size_t)tensor->shape[axis], per = heads > 0 ? places / (size_t)heads : 1;
  adze_status status = structured_add_set (host, self, places / per, STRUCTURED_NONE);
  if (status == ADZE_OK)
    status = add_part (host, self, number, axis, true, per);
  size_t bias = axis == 0 ? bias_of (self, tensor) : STRUCTURED_NONE;
  if (status == ADZE_OK && bias != STRUCTURED_NONE)
    status = add_part (host, self, bias, 0, false, per);
  if (status == ADZE_OK)
    status = structured_count_set (host, outline, self);
  if (status == ADZE_OK && self->sets[self->set_count - 1].removed == 0)
    structured_spare_set (self);
  return status;
}

adze_status
structured_find_alone (const adze_host *host, const adze_outline *outline, structured *self)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->tensors.count; i++) {
    const structured_tensor *tensor = structured_tensor_at (self, i);
    const adze_params *asked = adze_outline_of (host)->params (host, outline, tensor->pick);
    bool wants_heads = self->wish.of == STRUCTURED_HEADS;
    int64_t heads = wants_heads ? adze_param_int (host, asked, "heads") : 0;
    if (tensor->rank < 2 || tensor->shape[0] < 1 || tensor->shape[1] < 1)
      continue;
    if (wants_heads && heads == 0)
      return adze_fail (host, ADZE_E_PARAM,
                        "parameter 'heads' of tensor '%s' is 0, and this model has no network that says how "
                        "many heads it makes; give their number, and skip = true to what makes none",
                        tensor->name);
    if (wants_heads && tensor->shape[0] % heads != 0)
      return adze_fail (host, ADZE_E_PARAM,
                        "tensor '%s' has %lld rows, which are no %lld heads; give it another number by a "
                        "rule, or leave it out with skip = true",
                        tensor->name, (long long)tensor->shape[0], (long long)heads);
    status = add_set (host, outline, self, i, heads);
  }
  return status;
}

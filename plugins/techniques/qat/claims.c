/* SPDX-License-Identifier: Apache-2.0 */
/* qat: the host is told which tensors are codes, so that no stage behind this one takes them, or their scales, for
 * weights. They lie as the codec int8 lays them out, whatever the number of levels. */
#include "qat.h"

#include <adze/draft/claim.h>
#include <adze/draft/codec.h>
#include <adze/draft/traits.h>

/* Passes behind the codes may have given them another form, of which there is no codec. */
static bool
lies_so (const qat *q, const adze_graph *given, const qat_item *item)
{
  char scale[QAT_NAME_MAX + 16];
  snprintf (scale, sizeof scale, "%s.scale", item->name);
  const char *const names[] = { item->name, scale };
  const adze_graph_value *values[2] = { NULL, NULL };
  for (size_t i = 0; i < 2; i++) {
    uint32_t number = q->graphs->find_value (given, names[i]);
    values[i] = number == ADZE_NONE ? NULL : q->graphs->value (given, number);
    if (!values[i] || values[i]->role != ADZE_ROLE_WEIGHT)
      return false;
  }
  bool same = values[0]->dtype.code == ADZE_INT && values[0]->dtype.bits == 8 && values[0]->rank == item->rank
              && values[1]->rank == (item->axis < 0 ? 0 : 1);
  for (int32_t i = 0; same && i < item->rank; i++)
    same = values[0]->shape[i] == item->shape[i];
  return same;
}

static adze_status
claim (const qat *q, const qat_item *item)
{
  char shape[ADZE_GRAPH_RANK * 24] = "", params[80], json[sizeof shape + 200];
  size_t used = 0;
  for (int32_t i = 0; i < item->rank; i++)
    used += (size_t)snprintf (shape + used, sizeof shape - used, "%s%lld", i ? ", " : "", (long long)item->shape[i]);
  if (item->axis < 0)
    snprintf (params, sizeof params, "\"per\": \"tensor\"");
  else
    snprintf (params, sizeof params, "\"per\": \"channel\", \"axis\": %d", (int)item->axis);
  snprintf (json, sizeof json,
            "{\"codec\": \"int8\", \"revision\": 1, \"type\": \"f32\", \"shape\": [%s], \"params\": {%s}}", shape, params);
  return adze_claim_of (q->host)->trait (q->host, q->lesson->context, "model", item->name, ADZE_TRAIT_CODED, json);
}

/* Nothing has kept it to few values, and its codes say nothing of that: where each channel has a step of its own, there
 * are as many values of one code as channels. */
static adze_status
disclaim_values (const qat *q, const adze_graph *given, const qat_item *item)
{
  uint32_t number = q->graphs->find_value (given, item->name);
  if (item->values || number == ADZE_NONE || q->graphs->value (given, number)->role != ADZE_ROLE_WEIGHT)
    return ADZE_OK;
  return adze_claim_of (q->host)->trait (q->host, q->lesson->context, "model", item->name, ADZE_TRAIT_CODEBOOK, NULL);
}

adze_status
qat_claim (const qat *q, const adze_graph *given)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; adze_claim_of (q->host) && status == ADZE_OK && i < q->count; i++) {
    const qat_item *item = &q->items[i];
    if (item->weight && lies_so (q, given, item))
      status = claim (q, item);
    if (item->weight && status == ADZE_OK)
      status = disclaim_values (q, given, item);
  }
  return status;
}

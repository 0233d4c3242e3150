/* SPDX-License-Identifier: Apache-2.0 */
/* qat: the host is told which tensors are codes, so that no stage behind this one takes them, or their scales, for
 * weights. They lie as the codec int8 lays them out, whatever the number of levels. */
#include "qat.h"

#include <adze/draft/claim.h>
#include <adze/draft/codec.h>

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

adze_status
qat_claim (const qat *q, const adze_graph *given)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; adze_claim_of (q->host) && status == ADZE_OK && i < q->count; i++)
    if (q->items[i].weight && lies_so (q, given, &q->items[i]))
      status = claim (q, &q->items[i]);
  return status;
}

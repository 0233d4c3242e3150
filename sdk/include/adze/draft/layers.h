/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/layers.h: the order in which llama.cpp goes through the tensors of a model: those of no layer first, then layer
 * by layer, and by name. Formats write in it, and techniques count in it. Tier: draft; comes and goes with the
 * revision of technique. */
#ifndef ADZE_DRAFT_LAYERS_H
#define ADZE_DRAFT_LAYERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <adze/abi.h>

ADZE_BEGIN_DECLS

#define ADZE_LAYER_PREFIX "blk."

/* "blk.12.attn_q.weight": 12. -1: of no layer. */
static inline int64_t
adze_layer_of (const char *name)
{
  const size_t length = sizeof ADZE_LAYER_PREFIX - 1;
  if (strncmp (name, ADZE_LAYER_PREFIX, length) != 0 || name[length] < '0' || name[length] > '9')
    return -1;
  return strtoll (name + length, NULL, 10);
}

static inline int
adze_layers_compare (const char *a, const char *b)
{
  int64_t one = adze_layer_of (a), other = adze_layer_of (b);
  if (one != other)
    return one < other ? -1 : 1;
  return strcmp (a, b);
}

ADZE_END_DECLS

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h: the order in which llama.cpp goes through the tensors of a model: those of no layer first, then layer
 * by layer, and by name. quantize counts in it, too. */
#ifndef GGUF_LAYERS_H
#define GGUF_LAYERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GGUF_LAYER "blk."

/* "blk.12.attn_q.weight": 12. -1: of no layer. */
static inline int64_t
gguf_layer_of (const char *name)
{
  const size_t length = sizeof GGUF_LAYER - 1;
  if (strncmp (name, GGUF_LAYER, length) != 0 || name[length] < '0' || name[length] > '9')
    return -1;
  return strtoll (name + length, NULL, 10);
}

static inline int
gguf_compare_layers (const char *a, const char *b)
{
  int64_t one = gguf_layer_of (a), other = gguf_layer_of (b);
  if (one != other)
    return one < other ? -1 : 1;
  return strcmp (a, b);
}

#endif

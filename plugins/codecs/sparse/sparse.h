/* SPDX-License-Identifier: Apache-2.0 */
/* sparse.h: what the files of this plugin share.
 *   sparse.c        parameters, callbacks, component
 *   sparse_codes.c  numbers to values and their places, and back
 *   sparse_graph.c  the nodes that make numbers of them */
#ifndef ADZE_PLUGIN_SPARSE_H
#define ADZE_PLUGIN_SPARSE_H

#include <string.h>

#include <adze/sdk.h>

enum { SPARSE_VALUES, SPARSE_PLACES }; /* planes */

/* What the parameters ask for. */
typedef struct sparse_way {
  adze_dtype type; /* of the values */
  bool indices;    /* places are numbers of elements; else one bit for each element */
} sparse_way;

sparse_way sparse_way_of (const adze_host *host, const adze_params *params, const adze_tensor_meta *meta);

/* Only +0 is left out: -0 is a value, so that what comes back is the same to the bit. */
static inline bool
sparse_is_value (float number)
{
  return adze_float_bits (number) != 0;
}

adze_status sparse_encode (const adze_host *host, const void *own, const adze_params *params,
                           const adze_coding *coding);
adze_status sparse_decode (const adze_host *host, const void *own, const adze_params *params,
                           const adze_coding *coding);
adze_status sparse_graph (const adze_host *host, const void *own, const adze_params *params,
                          const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *graph,
                          const uint32_t *planes, uint32_t *value);

#endif

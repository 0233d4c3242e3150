/* SPDX-License-Identifier: Apache-2.0 */
/* int_graph.c: numbers of codes in a network: DequantizeLinear, where its scales are one for the tensor or one
 * for each row; else the same in single steps, with operators of which every runtime has the types: whole
 * numbers of 32 bits. */
#include "int.h"

/* (code - zero) * scale, with one scale for each group of each row. */
static uint32_t
spread (adze_nodes *b, const int_way *way, uint32_t codes, const uint32_t *planes, int64_t rows,
        int64_t columns)
{
  int64_t group = way->group ? (int64_t)way->group : columns;
  const int64_t apart[] = { rows, columns / group, group }, scales[] = { rows, columns / group, 1 };
  const int64_t one[] = { 1, 1, 1 };
  const int64_t *shape = way->whole ? one : scales;
  uint32_t numbers = adze_nodes_reshape (b, codes, apart, 3);
  uint32_t zero
      = way->symmetric
            ? adze_nodes_number (b, way->bits == 8 ? 0 : INT64_C (1) << (way->bits - 1))
            : adze_nodes_reshape (b, adze_nodes_cast (b, planes[2], ADZE_NODES_INT32), shape, 3);
  numbers = adze_nodes_cast (b, adze_nodes_pair (b, "Sub", numbers, zero), ADZE_NODES_FLOAT);
  return adze_nodes_pair (b, "Mul", numbers, adze_nodes_reshape (b, planes[1], shape, 3));
}

adze_status
int_graph (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
           const adze_coded *coded, adze_graph *graph, const uint32_t *planes, uint32_t *value)
{
  adze_nodes b;
  int64_t rows = (int64_t)adze_coded_rows (coded, meta);
  int64_t columns = (int64_t)adze_coded_columns (coded, meta);
  if (!adze_nodes_begin (&b, host, graph))
    return b.status;
  if (way->bits == 8 && way->group == 0) {
    const int64_t axis = 0;
    const adze_graph_attribute attribute = adze_nodes_int ("axis", &axis);
    *value = adze_nodes_add (&b, "DequantizeLinear", planes, way->symmetric ? 2 : 3,
                             way->whole ? NULL : &attribute);
    return b.status;
  }
  uint32_t codes = way->bits == 8 ? adze_nodes_cast (&b, planes[0], ADZE_NODES_INT32)
                                  : adze_nodes_unpack (&b, way->bits, planes[0], rows, columns);
  *value = adze_nodes_reshape (&b, spread (&b, way, codes, planes, rows, columns), meta->shape,
                               meta->rank);
  return b.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* int_graph.c: numbers of codes in a network: DequantizeLinear, where its scales are one for the tensor or one
 * for each channel; else the same in single steps, with operators of which every runtime has the types: whole
 * numbers of 32 bits. */
#include "int.h"

/* The shape that codes are given, and that of what belongs to them, so that each finds its own. */
typedef struct shapes {
  int64_t codes[ADZE_RANK_MAX + 2], cells[ADZE_RANK_MAX + 2];
  int32_t rank;
} shapes;

static shapes
shapes_of (const int_way *way, const adze_tensor_meta *meta, int64_t rows, int64_t columns)
{
  shapes s = { { rows, columns, 1 }, { 1, 1, 1 }, 3 };
  if (way->axis > 0) {
    s.rank = meta->rank;
    for (int32_t i = 0; i < meta->rank; i++) {
      s.codes[i] = meta->shape[i];
      s.cells[i] = i == way->axis ? meta->shape[i] : 1;
    }
  } else if (!way->whole) {
    int64_t group = way->group ? (int64_t)way->group : columns;
    s.codes[1] = columns / group;
    s.codes[2] = group;
    s.cells[0] = rows;
    s.cells[1] = columns / group;
  }
  return s;
}

/* (code - zero) * scale. */
static uint32_t
spread (adze_nodes *b, const int_way *way, uint32_t codes, const uint32_t *planes, const shapes *s)
{
  uint32_t numbers = adze_nodes_reshape (b, codes, s->codes, s->rank);
  uint32_t zero = way->symmetric
                      ? adze_nodes_number (b, way->bits == 8 ? 0 : INT64_C (1) << (way->bits - 1))
                      : adze_nodes_reshape (b, adze_nodes_cast (b, planes[INT_ZERO], ADZE_NODES_INT32),
                                            s->cells, s->rank);
  numbers = adze_nodes_cast (b, adze_nodes_pair (b, "Sub", numbers, zero), ADZE_NODES_FLOAT);
  return adze_nodes_pair (b, "Mul", numbers,
                          adze_nodes_reshape (b, planes[INT_SCALE], s->cells, s->rank));
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
    const int64_t axis = way->axis;
    const adze_graph_attribute attribute = adze_nodes_int ("axis", &axis);
    *value = adze_nodes_add (&b, "DequantizeLinear", planes, way->symmetric ? 2 : 3,
                             way->whole ? NULL : &attribute);
    return b.status;
  }
  uint32_t codes = way->bits == 8 ? adze_nodes_cast (&b, planes[INT_CODES], ADZE_NODES_INT32)
                                  : adze_nodes_unpack (&b, way->bits, planes[INT_CODES], rows, columns);
  const shapes s = shapes_of (way, meta, rows, columns);
  *value = adze_nodes_reshape (&b, spread (&b, way, codes, planes, &s), meta->shape, meta->rank);
  return b.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* codebook_graph.c: numbers of codes in a network: codes are taken apart, and looked up in their book. */
#include "codebook.h"

/* Codes that lie across bytes: all bits apart, and those of a code summed up by what they count. */
static uint32_t
unpack_across (adze_nodes *b, uint32_t bits, uint32_t bytes, int64_t rows, int64_t columns)
{
  static const int64_t powers[] = { 1, 2, 4, 8, 16, 32, 64 };
  const int64_t apart[] = { rows, columns, bits }, last = 2, none = 0;
  const adze_graph_attribute keep = adze_nodes_int ("keepdims", &none);
  uint32_t all = adze_nodes_unpack (b, 1, bytes, rows, columns * bits);
  uint32_t worth = adze_nodes_cast (b, adze_nodes_ints (b, powers, bits), ADZE_NODES_INT32);
  uint32_t sum[2];
  sum[0] = adze_nodes_pair (b, "Mul", adze_nodes_reshape (b, all, apart, 3), worth);
  sum[1] = adze_nodes_ints (b, &last, 1);
  return adze_nodes_add (b, "ReduceSum", sum, 2, &keep);
}

static uint32_t
unpack (adze_nodes *b, uint32_t bits, uint32_t bytes, int64_t rows, int64_t columns)
{
  const int64_t shape[] = { rows, columns };
  if (bits == 8)
    return adze_nodes_reshape (b, adze_nodes_cast (b, bytes, ADZE_NODES_INT32), shape, 2);
  return 8 % bits == 0 ? adze_nodes_unpack (b, bits, bytes, rows, columns)
                       : unpack_across (b, bits, bytes, rows, columns);
}

adze_status
codebook_graph (const adze_host *host, const codebook_way *way, const adze_tensor_meta *meta,
                const adze_coded *coded, adze_graph *graph, const uint32_t *planes, uint32_t *value)
{
  adze_nodes b;
  const int64_t along = 1, rows = (int64_t)adze_coded_rows (coded, meta);
  const int64_t books[] = { rows, codebook_width (coded) };
  const adze_graph_attribute axis = adze_nodes_int ("axis", &along);
  if (!adze_nodes_begin (&b, host, graph))
    return b.status;
  uint32_t lookup[] = { planes[CODEBOOK_BOOK], ADZE_NONE };
  lookup[1] = unpack (&b, codebook_bits_of (way, coded), planes[CODEBOOK_CODES], rows,
                      (int64_t)adze_coded_columns (coded, meta));
  if (way->channels)
    lookup[0] = adze_nodes_reshape (&b, lookup[0], books, 2);
  uint32_t numbers = adze_nodes_add (&b, way->channels ? "GatherElements" : "Gather", lookup, 2,
                                     way->channels ? &axis : NULL);
  *value = adze_nodes_reshape (&b, numbers, meta->shape, meta->rank);
  return b.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sparse_graph.c: numbers of values and places in a network. */
#include "sparse.h"

/* A value's place among the values is how many bits there were, its own among them; a zero's is 0, where a zero
 * stands in front of them. */
static uint32_t
by_bits (adze_nodes *b, const adze_tensor_meta *meta, const adze_coded *coded, uint32_t values,
         uint32_t bits)
{
  const float nothing = 0;
  const int64_t along = 0, rows = (int64_t)adze_coded_rows (coded, meta);
  const int64_t columns = (int64_t)adze_coded_columns (coded, meta), flat[] = { rows * columns };
  const adze_graph_attribute axis = adze_nodes_int ("axis", &along);
  uint32_t table[2];
  table[0] = adze_nodes_floats (b, &nothing, 1);
  table[1] = values;
  uint32_t numbers = adze_nodes_add (b, "Concat", table, 2, &axis);
  bits = adze_nodes_reshape (b, adze_nodes_unpack (b, 1, bits, rows, columns), flat, 1);
  uint32_t places = adze_nodes_pair (b, "CumSum", bits, adze_nodes_ints (b, &along, 1));
  return adze_nodes_pair (b, "Gather", numbers, adze_nodes_pair (b, "Mul", places, bits));
}

static uint32_t
by_indices (adze_nodes *b, int64_t count, uint32_t values, uint32_t indices)
{
  const int64_t along = 0;
  const adze_graph_attribute axis = adze_nodes_int ("axis", &along);
  uint32_t shape = adze_nodes_ints (b, &count, 1), scatter[3];
  scatter[0] = adze_nodes_add (b, "ConstantOfShape", &shape, 1, NULL);
  scatter[1] = indices;
  scatter[2] = values;
  return adze_nodes_add (b, "ScatterElements", scatter, 3, &axis);
}

adze_status
sparse_graph (const adze_host *host, const void *own, const adze_params *params,
              const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *graph,
              const uint32_t *planes, uint32_t *value)
{
  const sparse_way way = sparse_way_of (host, params, meta);
  uint64_t count = adze_coded_rows (coded, meta) * adze_coded_columns (coded, meta);
  adze_nodes b;
  (void)own;
  if (count > INT32_MAX)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' has %llu numbers, and the nodes of a network count up to 2^31 of them",
                      meta->name, (unsigned long long)count);
  if (!adze_nodes_begin (&b, host, graph))
    return b.status;
  uint32_t values = planes[SPARSE_VALUES];
  if (way.type.bits != 32)
    values = adze_nodes_cast (&b, values, ADZE_NODES_FLOAT);
  uint32_t numbers = way.indices ? by_indices (&b, (int64_t)count, values, planes[SPARSE_PLACES])
                                 : by_bits (&b, meta, coded, values, planes[SPARSE_PLACES]);
  *value = adze_nodes_reshape (&b, numbers, meta->shape, meta->rank);
  return b.status;
}

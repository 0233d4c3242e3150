/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_graph.c: what the types have in common where networks make numbers of their blocks. */
#include "gguf_graph.h"

#include <math.h>

adze_status
gguf_graph (const adze_host *host, const gguf_codec *codec, gguf_graph_form *form,
            const adze_tensor_meta *meta, adze_graph *graph, uint32_t plane, uint32_t *value)
{
  gguf_nodes n = { .blocks = 1 };
  if (!adze_nodes_begin (&n.nodes, host, graph))
    return n.nodes.status;
  for (int32_t i = 0; i < meta->rank; i++)
    n.blocks *= meta->shape[i];
  n.blocks /= codec->elements;
  const int64_t shape[] = { n.blocks, codec->bytes };
  n.bytes = adze_nodes_cast (&n.nodes, adze_nodes_reshape (&n.nodes, plane, shape, 2), ADZE_NODES_INT32);
  *value = adze_nodes_reshape (&n.nodes, form (&n), meta->shape, meta->rank);
  return n.nodes.status;
}

/* ---- Places. */

uint32_t
gguf_part (gguf_nodes *n, uint32_t value, int64_t from, int64_t count, int64_t step)
{
  const int64_t end = from + (count - 1) * step + 1, along = 1;
  uint32_t slice[5];
  slice[0] = value;
  slice[1] = adze_nodes_ints (&n->nodes, &from, 1);
  slice[2] = adze_nodes_ints (&n->nodes, &end, 1);
  slice[3] = adze_nodes_ints (&n->nodes, &along, 1);
  slice[4] = adze_nodes_ints (&n->nodes, &step, 1);
  return adze_nodes_add (&n->nodes, "Slice", slice, 5, NULL);
}

uint32_t
gguf_apart (gguf_nodes *n, uint32_t value, int64_t parts, int64_t each)
{
  const int64_t shape[] = { n->blocks, parts, each };
  return adze_nodes_reshape (&n->nodes, value, shape, 3);
}

static uint32_t
side_by_side (gguf_nodes *n, uint32_t value, int64_t count)
{
  const int64_t shape[] = { n->blocks, count };
  return adze_nodes_reshape (&n->nodes, value, shape, 2);
}

/* ---- Whole numbers. */

uint32_t
gguf_with (gguf_nodes *n, const char *op, uint32_t value, int64_t number)
{
  return adze_nodes_pair (&n->nodes, op, value, adze_nodes_number (&n->nodes, number));
}

uint32_t
gguf_codes (gguf_nodes *n, int64_t from, int64_t count, int64_t run, int bits)
{
  const int64_t each = 8 / bits, column[] = { each, 1 }, runs[] = { n->blocks, count / run, 1, run };
  int64_t places[8];
  for (int64_t i = 0; i < each; i++)
    places[i] = INT64_C (1) << i * bits;
  uint32_t place = adze_nodes_cast (&n->nodes, adze_nodes_ints (&n->nodes, places, each), ADZE_NODES_INT32);
  place = adze_nodes_reshape (&n->nodes, place, column, 2);
  uint32_t bytes = adze_nodes_reshape (&n->nodes, gguf_part (n, n->bytes, from, count, 1), runs, 4);
  uint32_t codes = adze_nodes_pair (&n->nodes, "Div", bytes, place);
  return side_by_side (n, gguf_with (n, "Mod", codes, INT64_C (1) << bits), count * each);
}

uint32_t
gguf_join (gguf_nodes *n, uint32_t low, uint32_t high, int64_t times)
{
  return adze_nodes_pair (&n->nodes, "Add", low, gguf_with (n, "Mul", high, times));
}

uint32_t
gguf_signed (gguf_nodes *n, int64_t from, int64_t count)
{
  uint32_t bytes = gguf_part (n, n->bytes, from, count, 1);
  uint32_t negative = gguf_with (n, "Div", bytes, 128);
  return adze_nodes_pair (&n->nodes, "Sub", bytes, gguf_with (n, "Mul", negative, 256));
}

/* ---- Floats. */

uint32_t
gguf_floats (gguf_nodes *n, uint32_t value)
{
  return adze_nodes_cast (&n->nodes, value, ADZE_NODES_FLOAT);
}

/* Sign and exponent are a place in two tables: what the digits are more than their number, and what that is to be
 * multiplied by. What is no number is infinite here, since neither makes numbers; no table has an infinity in itself,
 * which would look like a broken network, but a power that makes one. */
uint32_t
gguf_halves (gguf_nodes *n, int64_t from, int64_t count)
{
  adze_nodes *b = &n->nodes;
  float leading[64], unit[64];
  for (int head = 0; head < 64; head++) {
    int exponent = head % 32;
    leading[head] = exponent > 0 ? 1024 : 0;
    unit[head] = ldexpf (1, exponent == 31 ? 120 : (exponent > 0 ? exponent : 1) - 25);
    unit[head] = head < 32 ? unit[head] : -unit[head];
  }
  uint32_t low = gguf_part (n, n->bytes, from, count, 2), high = gguf_part (n, n->bytes, from + 1, count, 2);
  uint32_t head = gguf_with (n, "Div", high, 4);
  uint32_t digits = gguf_floats (n, gguf_join (n, low, gguf_with (n, "Mod", high, 4), 256));
  digits = adze_nodes_pair (b, "Add", digits, adze_nodes_pair (b, "Gather", adze_nodes_floats (b, leading, 64), head));
  return adze_nodes_pair (b, "Mul", digits, adze_nodes_pair (b, "Gather", adze_nodes_floats (b, unit, 64), head));
}

uint32_t
gguf_scaled (gguf_nodes *n, uint32_t numbers, uint32_t scale, int64_t parts, int64_t each)
{
  return adze_nodes_pair (&n->nodes, "Mul", gguf_apart (n, numbers, parts, each), gguf_apart (n, scale, parts, 1));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_graph_k.c: K-quants in a network: 256 numbers a block, whose parts have scales that are codes
 * themselves. */
#include "gguf_graph.h"

/* NUMBERS of parts with a scale and an offset, which are D and the codes of SCALES: those of all scales,
 * then those of all offsets. */
static uint32_t
with_offsets (gguf_nodes *n, uint32_t numbers, uint32_t d, uint32_t scales, int64_t parts)
{
  adze_nodes *b = &n->nodes;
  uint32_t factor = gguf_scaled (n, gguf_floats (n, scales), d, 2, parts);
  const int64_t flat[] = { n->blocks, 2 * parts };
  factor = adze_nodes_reshape (b, factor, flat, 2);
  uint32_t scale = gguf_part (n, factor, 0, parts, 1), offset = gguf_part (n, factor, parts, parts, 1);
  numbers = gguf_scaled (n, gguf_floats (n, numbers), scale, parts, 256 / parts);
  return adze_nodes_pair (b, "Sub", numbers, gguf_apart (n, offset, parts, 1));
}

/* NUMBERS of sixteen parts with a scale: the codes of SCALES times the float at FROM. */
static uint32_t
with_scales (gguf_nodes *n, uint32_t numbers, uint32_t scales, int64_t from)
{
  uint32_t scale = adze_nodes_pair (&n->nodes, "Mul", gguf_halves (n, from, 1), gguf_floats (n, scales));
  return gguf_scaled (n, gguf_floats (n, numbers), scale, 16, 16);
}

uint32_t
gguf_graph_q2_k (gguf_nodes *n)
{
  return with_offsets (n, gguf_codes (n, 16, 64, 32, 2), gguf_halves (n, 80, 2), gguf_codes (n, 0, 16, 16, 4), 16);
}

uint32_t
gguf_graph_q3_k (gguf_nodes *n)
{
  uint32_t scales = gguf_join (n, gguf_codes (n, 96, 8, 8, 4), gguf_codes (n, 104, 4, 4, 2), 16);
  uint32_t numbers = gguf_join (n, gguf_codes (n, 32, 64, 32, 2), gguf_codes (n, 0, 32, 32, 1), 4);
  return with_scales (n, gguf_with (n, "Sub", numbers, 4), gguf_with (n, "Sub", scales, 32), 108);
}

/* Eight scales and eight offsets of six bits: of the earlier half they are in the lowest bits of eight
 * bytes, of the later one four bits in four bytes and the other two above those of the earlier. */
static uint32_t
six_bits (gguf_nodes *n)
{
  const int64_t axis = 2, flat[] = { n->blocks, 16 };
  const adze_graph_attribute along = adze_nodes_int ("axis", &axis);
  uint32_t bytes = gguf_part (n, n->bytes, 4, 8, 1);
  uint32_t later = gguf_join (n, gguf_codes (n, 12, 4, 4, 4), gguf_with (n, "Div", bytes, 64), 16);
  const uint32_t halves[] = { gguf_apart (n, gguf_with (n, "Mod", bytes, 64), 2, 4), gguf_apart (n, later, 2, 4) };
  return adze_nodes_reshape (&n->nodes, adze_nodes_add (&n->nodes, "Concat", halves, 2, &along), flat, 2);
}

uint32_t
gguf_graph_q4_k (gguf_nodes *n)
{
  return with_offsets (n, gguf_codes (n, 16, 128, 32, 4), gguf_halves (n, 0, 2), six_bits (n), 8);
}

uint32_t
gguf_graph_q5_k (gguf_nodes *n)
{
  uint32_t numbers = gguf_join (n, gguf_codes (n, 48, 128, 32, 4), gguf_codes (n, 16, 32, 32, 1), 16);
  return with_offsets (n, numbers, gguf_halves (n, 0, 2), six_bits (n), 8);
}

uint32_t
gguf_graph_q6_k (gguf_nodes *n)
{
  uint32_t numbers = gguf_join (n, gguf_codes (n, 0, 128, 64, 4), gguf_codes (n, 128, 64, 32, 2), 16);
  return with_scales (n, gguf_with (n, "Sub", numbers, 32), gguf_signed (n, 192, 16), 208);
}

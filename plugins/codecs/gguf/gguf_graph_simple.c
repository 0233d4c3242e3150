/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_graph_simple.c: the types that are no K-quants in a network. */
#include "gguf_graph.h"

#include <math.h>

#include "simple.h"

/* ---- One scale for 32 numbers, which is a float of 16 bits at the front. */

static uint32_t
by_first (gguf_nodes *n, uint32_t numbers)
{
  return gguf_scaled (n, gguf_floats (n, numbers), gguf_halves (n, 0, 1), 1, 32);
}

/* And a least number behind it. */
static uint32_t
from_least (gguf_nodes *n, uint32_t numbers)
{
  uint32_t halves = gguf_halves (n, 0, 2);
  uint32_t scaled = gguf_scaled (n, gguf_floats (n, numbers), gguf_part (n, halves, 0, 1, 1), 1, 32);
  return adze_nodes_pair (&n->nodes, "Add", scaled, gguf_apart (n, gguf_part (n, halves, 1, 1, 1), 1, 1));
}

/* Codes of five bits, the fifth of them in four bytes in front of the others. */
static uint32_t
fives (gguf_nodes *n, int64_t from)
{
  return gguf_join (n, gguf_codes (n, from + 4, 16, 16, 4), gguf_codes (n, from, 4, 1, 1), 16);
}

uint32_t
gguf_graph_q8_0 (gguf_nodes *n)
{
  return by_first (n, gguf_signed (n, 2, 32));
}

uint32_t
gguf_graph_q4_0 (gguf_nodes *n)
{
  return by_first (n, gguf_with (n, "Sub", gguf_codes (n, 2, 16, 16, 4), 8));
}

uint32_t
gguf_graph_q4_1 (gguf_nodes *n)
{
  return from_least (n, gguf_codes (n, 4, 16, 16, 4));
}

uint32_t
gguf_graph_q5_0 (gguf_nodes *n)
{
  return by_first (n, gguf_with (n, "Sub", fives (n, 2), 16));
}

uint32_t
gguf_graph_q5_1 (gguf_nodes *n)
{
  return from_least (n, fives (n, 4));
}

/* ---- Places in a table of sixteen. */

static uint32_t
looked_up (gguf_nodes *n, const int8_t table[16], uint32_t codes)
{
  float numbers[16];
  for (int i = 0; i < 16; i++)
    numbers[i] = table[i];
  return adze_nodes_pair (&n->nodes, "Gather", adze_nodes_floats (&n->nodes, numbers, 16), codes);
}

uint32_t
gguf_graph_iq4_nl (gguf_nodes *n)
{
  uint32_t numbers = looked_up (n, gguf_iq4_values, gguf_codes (n, 2, 16, 16, 4));
  return gguf_scaled (n, numbers, gguf_halves (n, 0, 1), 1, 32);
}

uint32_t
gguf_graph_iq4_xs (gguf_nodes *n)
{
  uint32_t scales = gguf_join (n, gguf_codes (n, 4, 4, 1, 4), gguf_codes (n, 2, 2, 1, 2), 16);
  scales = gguf_floats (n, gguf_with (n, "Sub", scales, 32));
  scales = adze_nodes_pair (&n->nodes, "Mul", gguf_halves (n, 0, 1), scales);
  return gguf_scaled (n, looked_up (n, gguf_iq4_values, gguf_codes (n, 8, 128, 16, 4)), scales, 8, 32);
}

/* 2 ^ (EXPONENT - 128): the power of each half of the exponent, by tables. */
static uint32_t
half_power (gguf_nodes *n, uint32_t exponent)
{
  adze_nodes *b = &n->nodes;
  float high[16], low[16];
  for (int i = 0; i < 16; i++) {
    high[i] = ldexpf (1, 16 * i - 120);
    low[i] = ldexpf (1, i - 8);
  }
  uint32_t above = adze_nodes_pair (b, "Gather", adze_nodes_floats (b, high, 16), gguf_with (n, "Div", exponent, 16));
  uint32_t below = adze_nodes_pair (b, "Gather", adze_nodes_floats (b, low, 16), gguf_with (n, "Mod", exponent, 16));
  return adze_nodes_pair (b, "Mul", above, below);
}

uint32_t
gguf_graph_mxfp4 (gguf_nodes *n)
{
  uint32_t numbers = looked_up (n, gguf_mxfp4_values, gguf_codes (n, 1, 16, 16, 4));
  return gguf_scaled (n, numbers, half_power (n, gguf_part (n, n->bytes, 0, 1, 1)), 1, 32);
}

/* ---- Minus one, zero and one. */

static uint32_t
trits (gguf_nodes *n, uint32_t codes, int64_t scale)
{
  return gguf_scaled (n, gguf_floats (n, gguf_with (n, "Sub", codes, 1)), gguf_halves (n, scale, 1), 1, 256);
}

uint32_t
gguf_graph_tq2_0 (gguf_nodes *n)
{
  return trits (n, gguf_codes (n, 0, 64, 32, 2), 64);
}

/* Digits of COUNT bytes from FROM on: what a power of 3 brings in front of the point, which is behind a byte. */
static uint32_t
digits (gguf_nodes *n, int64_t from, int64_t count, int64_t each)
{
  adze_nodes *b = &n->nodes;
  static const int64_t powers[] = { 1, 3, 9, 27, 81 };
  const int64_t column[] = { each, 1 }, flat[] = { n->blocks, each * count };
  uint32_t power = adze_nodes_cast (b, adze_nodes_ints (b, powers, each), ADZE_NODES_INT32);
  uint32_t bytes = gguf_apart (n, gguf_part (n, n->bytes, from, count, 1), 1, count);
  uint32_t rest = adze_nodes_pair (b, "Mul", bytes, adze_nodes_reshape (b, power, column, 2));
  rest = gguf_with (n, "Mod", rest, 256);
  rest = gguf_with (n, "Div", gguf_with (n, "Mul", rest, 3), 256);
  return adze_nodes_reshape (b, rest, flat, 2);
}

uint32_t
gguf_graph_tq1_0 (gguf_nodes *n)
{
  const int64_t axis = 1;
  const adze_graph_attribute along = adze_nodes_int ("axis", &axis);
  const uint32_t parts[] = { digits (n, 0, 32, 5), digits (n, 32, 16, 5), digits (n, 48, 4, 4) };
  return trits (n, adze_nodes_add (&n->nodes, "Concat", parts, 3, &along), 52);
}

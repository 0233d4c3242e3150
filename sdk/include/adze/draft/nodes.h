/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/nodes.h: nodes of a network, written one behind the other, for codecs that make numbers of their
 * codes there; and codes of less than a byte. Tier: draft; comes and goes with the revision of codec.
 *
 *   adze_nodes b;
 *   if (!adze_nodes_begin (&b, host, graph))
 *     return b.status;
 *   uint32_t codes = adze_nodes_cast (&b, planes[0], ADZE_NODES_INT32);
 *   *value = adze_nodes_pair (&b, "Gather", adze_nodes_floats (&b, table, 256), codes);
 *   return b.status;
 *
 * Once one has failed, those behind it do nothing. What they compute with are floats and whole numbers of 32
 * bits, types that every runtime has for these operators.
 */
#ifndef ADZE_DRAFT_NODES_H
#define ADZE_DRAFT_NODES_H

#include <string.h>

#include <adze/draft/graph.h>
#include <adze/error.h>

ADZE_BEGIN_DECLS

typedef struct adze_nodes {
  const adze_host *host;
  const adze_graph_service *graphs;
  adze_graph *graph;
  adze_status status;
} adze_nodes;

/* Element types, as ONNX counts them. */
#define ADZE_NODES_FLOAT 1
#define ADZE_NODES_INT32 6

/* False: this host has no graphs, and the status says so. */
static inline bool
adze_nodes_begin (adze_nodes *b, const adze_host *host, adze_graph *graph)
{
  b->host = host;
  b->graphs = adze_graph_of (host);
  b->graph = graph;
  b->status = b->graphs ? ADZE_OK
                        : adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_GRAPH);
  return b->status == ADZE_OK;
}

static inline adze_graph_attribute
adze_nodes_int (const char *name, const int64_t *number)
{
  adze_graph_attribute attribute;
  memset (&attribute, 0, sizeof attribute);
  attribute.struct_size = sizeof attribute;
  attribute.type = ADZE_ATTRIBUTE_INT;
  attribute.name = name;
  attribute.count = 1;
  attribute.ints = number;
  return attribute;
}

/* ATTRIBUTE may be NULL. */
static inline uint32_t
adze_nodes_add (adze_nodes *b, const char *op, const uint32_t *inputs, size_t count,
                const adze_graph_attribute *attribute)
{
  adze_node_recipe recipe;
  uint32_t made = ADZE_NONE;
  memset (&recipe, 0, sizeof recipe);
  recipe.struct_size = sizeof recipe;
  recipe.op = op;
  recipe.inputs = inputs;
  recipe.input_count = count;
  recipe.output_count = 1;
  recipe.attributes = attribute;
  recipe.attribute_count = attribute ? 1 : 0;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_node (b->host, b->graph, &recipe, &made);
  return made;
}

static inline uint32_t
adze_nodes_pair (adze_nodes *b, const char *op, uint32_t left, uint32_t right)
{
  const uint32_t inputs[] = { left, right };
  return adze_nodes_add (b, op, inputs, 2, NULL);
}

/* ---- Constants: vectors, which a network's file has in itself, so that they are no tensors of the model. */

static inline uint32_t
adze_nodes_constant (adze_nodes *b, unsigned code, unsigned bits, const void *numbers, int64_t count)
{
  uint32_t made = ADZE_NONE;
  adze_view view;
  memset (&view, 0, sizeof view);
  view.data = (void *)numbers;
  view.device.type = ADZE_DEVICE_CPU;
  view.dtype.code = (uint8_t)code;
  view.dtype.bits = (uint8_t)bits;
  view.dtype.lanes = 1;
  view.rank = 1;
  view.shape = &count;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &made);
  return made;
}

static inline uint32_t
adze_nodes_ints (adze_nodes *b, const int64_t *numbers, int64_t count)
{
  return adze_nodes_constant (b, ADZE_INT, 64, numbers, count);
}

static inline uint32_t
adze_nodes_floats (adze_nodes *b, const float *numbers, int64_t count)
{
  return adze_nodes_constant (b, ADZE_FLOAT, 32, numbers, count);
}

/* ---- What needs more than inputs. */

static inline uint32_t
adze_nodes_cast (adze_nodes *b, uint32_t value, int64_t type)
{
  const adze_graph_attribute to = adze_nodes_int ("to", &type);
  return adze_nodes_add (b, "Cast", &value, 1, &to);
}

/* One whole number of 32 bits. */
static inline uint32_t
adze_nodes_number (adze_nodes *b, int64_t n)
{
  return adze_nodes_cast (b, adze_nodes_ints (b, &n, 1), ADZE_NODES_INT32);
}

static inline uint32_t
adze_nodes_reshape (adze_nodes *b, uint32_t value, const int64_t *shape, int64_t rank)
{
  return adze_nodes_pair (b, "Reshape", value, adze_nodes_ints (b, shape, rank));
}

/* Of [rows][wide] the first COLUMNS. */
static inline uint32_t
adze_nodes_left (adze_nodes *b, uint32_t value, int64_t wide, int64_t columns)
{
  const int64_t begin = 0, along = 1;
  if (wide == columns)
    return value;
  uint32_t slice[4];
  slice[0] = value;
  slice[1] = adze_nodes_ints (b, &begin, 1);
  slice[2] = adze_nodes_ints (b, &columns, 1);
  slice[3] = adze_nodes_ints (b, &along, 1);
  return adze_nodes_add (b, "Slice", slice, 4, NULL);
}

/* ---- Codes of BITS, which are 1, 2 or 4: a row's begin with a byte of its own, the first one in the lowest
 * bits. */

static inline uint64_t
adze_codes_bytes (uint32_t bits, uint64_t count)
{
  return (count * bits + 7) / 8;
}

/* CODES: one byte each, below 2^BITS. */
static inline void
adze_codes_pack (uint32_t bits, const uint8_t *codes, uint64_t count, uint8_t *bytes)
{
  uint32_t each = 8 / bits;
  for (uint64_t i = 0; i < count; i += each) {
    uint32_t byte = 0;
    for (uint32_t k = 0; k < each && i + k < count; k++)
      byte |= (uint32_t)codes[i + k] << (k * bits);
    *bytes++ = (uint8_t)byte;
  }
}

static inline void
adze_codes_unpack (uint32_t bits, const uint8_t *bytes, uint64_t count, uint8_t *codes)
{
  uint32_t each = 8 / bits, mask = (UINT32_C (1) << bits) - 1;
  for (uint64_t i = 0; i < count; i++)
    codes[i] = (uint8_t)(bytes[i / each] >> (i % each * bits) & mask);
}

/* Such rows of bytes in a network, as [ROWS][COLUMNS] whole numbers of 32 bits: the lowest bits, and what is
 * above them divided further. */
static inline uint32_t
adze_nodes_unpack (adze_nodes *b, uint32_t bits, uint32_t bytes, int64_t rows, int64_t columns)
{
  const int64_t row_bytes = (int64_t)adze_codes_bytes (bits, (uint64_t)columns), each = 8 / bits;
  const int64_t apart[] = { rows, row_bytes, 1 }, flat[] = { rows, row_bytes * each }, axis = 2;
  uint32_t parts[8], rest = adze_nodes_cast (b, bytes, ADZE_NODES_INT32);
  uint32_t base = adze_nodes_number (b, INT64_C (1) << bits);
  for (int64_t i = 0; i < each; i++) {
    bool top = i + 1 == each;
    uint32_t above = top ? ADZE_NONE : adze_nodes_pair (b, "Div", rest, base);
    uint32_t low = top ? rest : adze_nodes_pair (b, "Sub", rest, adze_nodes_pair (b, "Mul", above, base));
    parts[i] = adze_nodes_reshape (b, low, apart, 3);
    rest = above;
  }
  const adze_graph_attribute last = adze_nodes_int ("axis", &axis);
  uint32_t codes
      = adze_nodes_reshape (b, adze_nodes_add (b, "Concat", parts, (size_t)each, &last), flat, 2);
  return adze_nodes_left (b, codes, flat[1], columns);
}

ADZE_END_DECLS

#endif

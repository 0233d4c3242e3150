/* SPDX-License-Identifier: Apache-2.0 */
/* int_graph.c: numbers of codes in a network: DequantizeLinear, where its scales are one for the tensor or one
 * for each row; else the same in single steps, with operators of which every runtime has the types: whole
 * numbers of 32 bits. */
#include "int.h"

typedef struct builder {
  const adze_host *host;
  const adze_graph_service *graphs;
  adze_graph *graph;
  adze_status status;
} builder;

static adze_graph_attribute
int_attribute (const char *name, const int64_t *number)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_INT,
                                 .name = name,
                                 .count = 1,
                                 .ints = number };
}

static uint32_t
node (builder *b, const char *op, const uint32_t *inputs, size_t count,
      const adze_graph_attribute *attribute)
{
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = op,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .output_count = 1,
                                    .attributes = attribute,
                                    .attribute_count = attribute ? 1 : 0 };
  uint32_t made = ADZE_NONE;
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_node (b->host, b->graph, &recipe, &made);
  return made;
}

static uint32_t
pair (builder *b, const char *op, uint32_t left, uint32_t right)
{
  const uint32_t inputs[] = { left, right };
  return node (b, op, inputs, 2, NULL);
}

/* Whole numbers of 64 bits, which are in a network's file themselves, and no tensors of the model. */
static uint32_t
list (builder *b, const int64_t *numbers, int64_t count)
{
  uint32_t made = ADZE_NONE;
  adze_view view = { .data = (void *)numbers,
                     .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = { ADZE_INT, 64, 1 },
                     .rank = 1,
                     .shape = &count };
  if (b->status == ADZE_OK)
    b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &made);
  return made;
}

enum { ONNX_FLOAT = 1, ONNX_INT32 = 6 };

static uint32_t
cast (builder *b, uint32_t value, int64_t type)
{
  const adze_graph_attribute to = int_attribute ("to", &type);
  return node (b, "Cast", &value, 1, &to);
}

static uint32_t
number (builder *b, int64_t n)
{
  return cast (b, list (b, &n, 1), ONNX_INT32);
}

static uint32_t
reshape (builder *b, uint32_t value, const int64_t *shape, int64_t rank)
{
  return pair (b, "Reshape", value, list (b, shape, rank));
}

/* The bytes of rows as codes: the lowest bits, and what is above them divided further. */
static uint32_t
unpack (builder *b, const int_way *way, uint32_t bytes, int64_t rows, int64_t row_bytes, int64_t columns)
{
  uint32_t parts[4], rest = cast (b, bytes, ONNX_INT32), base = number (b, INT64_C (1) << way->bits);
  const int64_t each = 8 / way->bits, apart[] = { rows, row_bytes, 1 }, flat[] = { rows, row_bytes * each };
  const int64_t axis = 2;
  for (int64_t i = 0; i < each; i++) {
    uint32_t above = i + 1 < each ? pair (b, "Div", rest, base) : ADZE_NONE;
    uint32_t low = i + 1 < each ? pair (b, "Sub", rest, pair (b, "Mul", above, base)) : rest;
    parts[i] = reshape (b, low, apart, 3);
    rest = above;
  }
  const adze_graph_attribute last = int_attribute ("axis", &axis);
  uint32_t codes = reshape (b, node (b, "Concat", parts, (size_t)each, &last), flat, 2);
  if (flat[1] == columns)
    return codes;
  const int64_t begin = 0, along = 1;
  const uint32_t slice[] = { codes, list (b, &begin, 1), list (b, &columns, 1), list (b, &along, 1) };
  return node (b, "Slice", slice, 4, NULL);
}

/* (code - zero) * scale, with one scale for each group of each row. */
static uint32_t
spread (builder *b, const int_way *way, uint32_t codes, const uint32_t *planes, int64_t rows,
        int64_t columns)
{
  int64_t group = way->group ? (int64_t)way->group : columns;
  const int64_t apart[] = { rows, columns / group, group }, scales[] = { rows, columns / group, 1 };
  const int64_t one[] = { 1, 1, 1 };
  const int64_t *shape = way->whole ? one : scales;
  uint32_t numbers = reshape (b, codes, apart, 3);
  uint32_t zero = way->symmetric ? number (b, way->bits == 8 ? 0 : INT64_C (1) << (way->bits - 1))
                                 : reshape (b, cast (b, planes[2], ONNX_INT32), shape, 3);
  numbers = cast (b, pair (b, "Sub", numbers, zero), ONNX_FLOAT);
  return pair (b, "Mul", numbers, reshape (b, planes[1], shape, 3));
}

adze_status
int_graph (const adze_host *host, const int_way *way, const adze_tensor_meta *meta,
           const adze_coded *coded, adze_graph *graph, const uint32_t *planes, uint32_t *value)
{
  builder b = { host, adze_graph_of (host), graph, ADZE_OK };
  int64_t rows = (int64_t)adze_coded_rows (coded, meta);
  int64_t columns = (int64_t)adze_coded_columns (coded, meta);
  if (!b.graphs)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_GRAPH);
  if (way->bits == 8 && way->group == 0) {
    const int64_t axis = 0;
    const adze_graph_attribute attribute = int_attribute ("axis", &axis);
    *value = node (&b, "DequantizeLinear", planes, way->symmetric ? 2 : 3,
                   way->whole ? NULL : &attribute);
    return b.status;
  }
  uint32_t codes = way->bits == 8
                       ? cast (&b, planes[0], ONNX_INT32)
                       : unpack (&b, way, planes[0], rows,
                                 (int64_t)adze_plane_row_bytes (coded, 0, meta), columns);
  *value = reshape (&b, spread (&b, way, codes, planes, rows, columns), meta->shape, meta->rank);
  return b.status;
}

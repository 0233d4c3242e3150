/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs built in a few lines, computed by ref, and compared: what the tests of passes and of
 * groups of channels have in common. */
#ifndef TESTS_UNIT_SMALL_GRAPHS_H
#define TESTS_UNIT_SMALL_GRAPHS_H

#include "train-networks.h"

#include "graph/executable.h"
#include "graph/graph_private.h"
#include "graph/optimise.h"

static const engine *the_engine;

static inline int
small_open (void **state)
{
  int status = engine_open (state);
  the_engine = *state;
  return status;
}

static unsigned small_seed;

static inline float
small_draw (void)
{
  small_seed = small_seed * 1664525u + 1013904223u;
  return (float)(small_seed >> 8) / 8388608.0f - 1;
}

static inline adze_graph *
small_graph (void)
{
  adze_graph *graph;
  small_seed = 11;
  must (adze_graph_new ("small", &graph));
  adze_graph_set_ref (graph, the_engine->ref);
  return graph;
}

/* ---- Values. */

static inline uint32_t
small_input (adze_graph *graph, const char *name, int32_t rank, const int64_t *sizes)
{
  uint32_t value;
  int64_t shape[ADZE_GRAPH_RANK];
  for (int32_t i = 0; i < rank; i++)
    shape[i] = sizes[i];
  if (sizes[0] < 0)
    must (adze_graph_add_symbol (graph, "batch", &shape[0]));
  must (adze_graph_add_input (graph, name, f32, rank, shape, &value));
  return value;
}

/* Numbers around MIDDLE. */
static inline uint32_t
small_weight_at (adze_graph *graph, const char *name, int32_t rank, const int64_t *shape,
                 float middle, float size)
{
  size_t count = 1;
  uint32_t value;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)shape[i];
  float *numbers = calloc (count + 1, sizeof *numbers);
  assert_non_null (numbers);
  for (size_t i = 0; i < count; i++)
    numbers[i] = middle + size * small_draw ();
  must (adze_graph_add_weight (graph, name, f32, rank, shape, &value));
  must (adze_graph_set_data (graph, value, numbers, count * sizeof *numbers, true));
  free (numbers);
  return value;
}

#define SHAPE(...) \
  (int32_t)(sizeof ((int64_t[]){ __VA_ARGS__ }) / sizeof (int64_t)), (const int64_t[]){ __VA_ARGS__ }

#define WEIGHT(graph, name, ...) small_weight_at (graph, name, SHAPE (__VA_ARGS__), 0, 0.5f)
#define INPUT(graph, name, ...) small_input (graph, name, SHAPE (__VA_ARGS__))

static inline uint32_t
small_list (adze_graph *graph, int32_t count, const int64_t *numbers)
{
  uint32_t value;
  int64_t shape = count, copy[ADZE_GRAPH_RANK];
  for (int32_t i = 0; i < count; i++)
    copy[i] = numbers[i];
  adze_view view = view_of (copy, i64, 1, &shape);
  must (adze_graph_add_constant (graph, NULL, &view, &value));
  return value;
}

#define LIST(graph, ...) small_list (graph, SHAPE (__VA_ARGS__))

/* The same number everywhere. */
static inline uint32_t
small_constant (adze_graph *graph, float number, int32_t rank, const int64_t *sizes)
{
  float numbers[64];
  int64_t shape[ADZE_GRAPH_RANK];
  uint32_t value;
  for (int32_t i = 0; i < rank; i++)
    shape[i] = sizes[i];
  adze_view view = view_of (numbers, f32, rank, shape);
  assert_true (adze_view_count (&view) <= ADZE_COUNT_OF (numbers));
  for (size_t i = 0; i < adze_view_count (&view); i++)
    numbers[i] = number;
  must (adze_graph_add_constant (graph, NULL, &view, &value));
  return value;
}

#define CONSTANT(graph, number, ...) small_constant (graph, number, SHAPE (__VA_ARGS__))

/* ---- Nodes. Attributes as text: "group=2 pads=1,1,1,1 epsilon=.5"; a comma at the end makes a
 * list of one, a point a float. */

static inline uint32_t
small_node (adze_graph *graph, const char *op, const char *attributes, size_t count,
            const uint32_t *inputs)
{
  enum { MOST = 8 };
  adze_graph_attribute list[MOST];
  char names[MOST][32];
  int64_t ints[MOST][8];
  float floats[MOST];
  size_t used = 0;
  for (const char *at = attributes; *at; used++) {
    size_t size = strcspn (at, "="), length = strcspn (at + size + 1, " ");
    snprintf (names[used], sizeof names[used], "%.*s", (int)size, at);
    at += size + 1;
    if (memchr (at, '.', length)) {
      floats[used] = strtof (at, NULL);
      list[used] = adze_attribute_float (names[used], &floats[used]);
    } else {
      size_t numbers = 0;
      bool single = !memchr (at, ',', length);
      for (const char *end = at; end < at + length; end += strcspn (end, ", ") + 1)
        ints[used][numbers++] = strtol (end, NULL, 10);
      list[used] = single ? adze_attribute_int (names[used], ints[used])
                          : adze_attribute_ints (names[used], ints[used], numbers);
    }
    at += length + (at[length] == ' ');
  }
  adze_gradient g = { .graph = graph };
  uint32_t output = adze_op_with (&g, "", op, inputs, count, list, used);
  must (g.error);
  return output;
}

#define NODE(graph, op, attributes, ...) \
  small_node (graph, op, attributes, sizeof ((uint32_t[]){ __VA_ARGS__ }) / sizeof (uint32_t), \
              (const uint32_t[]){ __VA_ARGS__ })

/* A normalisation of COUNT channels whose weights are named after NAME. */
static inline uint32_t
small_norm (adze_graph *graph, const char *name, uint32_t x, int64_t count)
{
  static const struct {
    const char *word;
    float middle, size;
  } parts[] = { { "scale", 1, .5f }, { "bias", 0, .5f }, { "mean", 0, .5f }, { "var", 1, .5f } };
  uint32_t inputs[5] = { x };
  for (size_t i = 0; i < 4; i++) {
    char full[48];
    snprintf (full, sizeof full, "%s.%s", name, parts[i].word);
    inputs[i + 1] = small_weight_at (graph, full, 1, &count, parts[i].middle, parts[i].size);
  }
  return small_node (graph, "BatchNormalization", "", 5, inputs);
}

/* Gives VALUE under NAME, by an Identity. */
static inline void
small_output (adze_graph *graph, const char *name, uint32_t value)
{
  const char *const names[] = { name };
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = "Identity", .inputs = &value,
                              .input_count = 1, .output_names = names, .output_count = 1 };
  uint32_t output;
  must (adze_graph_add_node (graph, &recipe, &output));
  must (adze_graph_add_output (graph, output));
  must (adze_graph_verify (graph));
}

static inline size_t
count_of (adze_graph *graph, const char *op_name)
{
  size_t count, found = 0;
  const uint32_t *order;
  must (adze_graph_order (graph, &order, &count));
  for (size_t i = 0; i < count; i++)
    found += !op_name || strcmp (graph->nodes[order[i]]->op, op_name) == 0;
  return found;
}

/* ---- Computing. */

enum { SMALL_BATCH = 3, SMALL_OUTPUTS = 3 };

typedef struct answer {
  size_t count;
  adze_view views[SMALL_OUTPUTS];
  int64_t shapes[SMALL_OUTPUTS][ADZE_GRAPH_RANK];
} answer;

static inline void
answer_free (answer *a)
{
  for (size_t i = 0; i < a->count; i++)
    free (a->views[i].data);
}

/* The graph's answer to inputs that are always the same; where they are whole numbers, to small
 * ones. */
static inline answer
answer_of (adze_graph *graph)
{
  enum { INPUTS = 2, ROOM = 4096 };
  static float numbers[INPUTS][ROOM];
  static int64_t wholes[ROOM];
  int64_t shapes[INPUTS][ADZE_GRAPH_RANK];
  adze_view views[INPUTS];
  const adze_view *inputs[INPUTS], *outputs[SMALL_OUTPUTS];
  const int64_t *sizes[INPUTS];
  answer a = { .count = graph->outputs.count };
  unsigned seed = small_seed;
  small_seed = 99;
  assert_true (graph->inputs.count <= INPUTS && a.count <= SMALL_OUTPUTS);
  for (size_t i = 0; i < graph->inputs.count; i++) {
    const adze_graph_value *value = graph->values[graph->inputs.items[i]];
    for (int32_t d = 0; d < value->rank; d++)
      shapes[i][d] = value->shape[d] < 0 ? SMALL_BATCH : value->shape[d];
    bool whole = value->dtype.code == ADZE_INT;
    views[i] = view_of (whole ? (void *)wholes : numbers[i], value->dtype, value->rank, shapes[i]);
    size_t count = adze_view_count (&views[i]);
    assert_true (count <= ROOM);
    for (size_t k = 0; k < count; k++) {
      numbers[i][k] = k % 7 == 3 ? -0.0f : small_draw ();
      wholes[k] = (int64_t)(k % 3);
    }
    inputs[i] = &views[i];
    sizes[i] = shapes[i];
  }
  small_seed = seed;
  const adze_compile_options options = { .ref = the_engine->ref, .shapes = sizes };
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_compile (graph, &options, &executable));
  must (adze_execute (executable, inputs, outputs));
  for (size_t i = 0; i < a.count; i++) {
    size_t size = adze_view_count (outputs[i]) * outputs[i]->dtype.bits / 8;
    memcpy (a.shapes[i], outputs[i]->shape, (size_t)outputs[i]->rank * sizeof (int64_t));
    a.views[i] = *outputs[i];
    a.views[i].shape = NULL; /* a.shapes, wherever the answer is */
    a.views[i].data = malloc (size + 1);
    assert_non_null (a.views[i].data);
    memcpy (a.views[i].data, adze_view_data (outputs[i]), size);
  }
  return a;
}

/* TOLERANCE 0: the same bytes. */
static inline void
same_answer (const answer *a, const answer *b, float tolerance)
{
  assert_int_equal (a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const adze_view *x = &a->views[i], *y = &b->views[i];
    size_t count = 1;
    assert_int_equal (x->rank, y->rank);
    for (int32_t d = 0; d < x->rank; d++) {
      assert_int_equal (a->shapes[i][d], b->shapes[i][d]);
      count *= (size_t)a->shapes[i][d];
    }
    assert_true (count > 0);
    if (tolerance == 0) {
      assert_memory_equal (x->data, y->data, count * x->dtype.bits / 8);
      continue;
    }
    for (size_t k = 0; k < count; k++) {
      float p = ((const float *)x->data)[k], q = ((const float *)y->data)[k];
      if (!(fabsf (p - q) <= tolerance * (1 + fabsf (p))))
        fail_msg ("output %zu differs at %zu: %.9g and %.9g", i, k, (double)p, (double)q);
    }
  }
}

#endif

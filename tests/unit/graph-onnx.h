/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs in ONNX's files: made of words, compared, and written once more. */
#ifndef TESTS_UNIT_GRAPH_ONNX_H
#define TESTS_UNIT_GRAPH_ONNX_H

#include "onnx-files.h"

#include "artifact/session.h"
#include "graph/from_model.h"
#include "graph/graph_private.h"

/* ---- Files. */

static inline bytes
nothing (void)
{
  return (bytes){ 0 };
}

/* A field for each of the words, which stand between spaces; "-" is one that is left out. */
static inline bytes
words (unsigned field, const char *text)
{
  bytes made = nothing ();
  while (*text) {
    size_t size = strcspn (text, " ");
    bool none = size == 1 && text[0] == '-';
    made = both (made, message (field, some (text, none ? 0 : size)));
    text += size + (text[size] == ' ');
  }
  return made;
}

static inline bytes
node (const char *op, const char *inputs, const char *outputs, bytes attributes)
{
  bytes names = both (words (1, inputs), words (2, outputs));
  return message (1, ALL (names, message (4, some (op, strlen (op))), attributes));
}

static inline bytes
int_attribute (const char *name, int64_t value)
{
  return message (5, ALL (message (1, some (name, strlen (name))), number (3, (uint64_t)value),
                          number (20, 2)));
}

static inline bytes
float_attribute (const char *name, float value)
{
  bytes numbers = both (varint (2 << 3 | 5, 0), some (&value, sizeof value));
  return message (5, ALL (message (1, some (name, strlen (name))), numbers, number (20, 1)));
}

static inline bytes
ints_attribute (const char *name, size_t count, const int64_t *values)
{
  bytes made = message (1, some (name, strlen (name)));
  for (size_t i = 0; i < count; i++)
    made = both (made, number (8, (uint64_t)values[i]));
  return message (5, both (made, number (20, 7)));
}

static inline bytes
graph_attribute (const char *name, bytes graph)
{
  return message (5, ALL (message (1, some (name, strlen (name))), message (6, graph),
                          number (20, 5)));
}

/* Inputs (FIELD 11) or outputs (12) of floats, two dimensions each, "N" and 3. */
static inline bytes
floats (unsigned field, const char *names)
{
  bytes made = nothing ();
  while (*names) {
    size_t size = strcspn (names, " ");
    bytes shape = both (message (1, STRING (2, "N")), message (1, number (1, 3)));
    bytes tensor = message (1, both (number (1, FLOAT), message (2, shape)));
    bytes info = both (message (1, some (names, size)), message (2, tensor));
    made = both (made, message (field, info));
    names += size + (names[size] == ' ');
  }
  return made;
}

static inline bytes
model_at (uint64_t opset, bytes graph)
{
  return ALL (number (1, 8), message (7, both (graph, STRING (2, "g"))),
              message (8, number (2, opset)));
}

static inline adze_error *
graph_of (world *w, bytes content, adze_graph **graph)
{
  ADZE_AUTO_MODEL found = open_bytes (w, content);
  return adze_graph_from_model (w->runtime, found, graph);
}

/* ---- A graph becomes a part, and a file. */

static inline const void *
graph_services (const char *id, bool bare)
{
  return strcmp (id, ADZE_GRAPH) == 0 ? &adze_graph_table : adze_session_services (id, bare);
}

static inline void
add_part (world *w, const adze_graph *graph, adze_model *model)
{
  adze_format_session session;
  const char *id = NULL;
  void *part = NULL;
  size_t size = 0;
  must (adze_session_open_with (w->runtime, "onnx", NULL, graph_services, &session));
  const adze_host *host = adze_desk_table (session.desk);
  adze_session_enter (&session);
  adze_status status
      = session.callbacks.part (host, session.params, graph, &id, &part, &size);
  must (adze_session_leave (&session, "part", status));
  must (adze_model_add_part (model, id, part, size));
  adze_session_enter (&session);
  host->release (host, part);
  must (adze_session_leave (&session, "release", ADZE_OK));
  adze_session_close (&session);
}

/* Weights of the graph and of its bodies, with their numbers of FROM; constants with their own. */
static inline void
add_tensors (const adze_graph *graph, const adze_model *from, adze_model *model)
{
  for (uint32_t i = 0; i < graph->value_count; i++) {
    const adze_graph_value *value = graph->values[i];
    const adze_model_tensor *known = adze_model_find (from, value->name);
    bool simple = value->rank <= 1
                  && ((value->dtype.code == ADZE_INT && value->dtype.bits == 64)
                      || (value->dtype.code == ADZE_FLOAT && value->dtype.bits == 32));
    bool constant = value->role == ADZE_ROLE_CONSTANT && !simple;
    if ((value->role != ADZE_ROLE_WEIGHT && !constant)
        || (!adze_graph_uses (graph, i) && !adze_graph_gives (graph, i)))
      continue;
    adze_tensor_meta meta = { .struct_size = sizeof meta, .rank = value->rank, .name = value->name,
                              .shape = value->shape, .dtype = value->dtype };
    adze_model_tensor *added;
    must (adze_model_add (model, &meta, &added));
    added->data = malloc (added->meta.byte_size + 1);
    assert_non_null (added->data);
    if (constant)
      memcpy (added->data, value->data, added->meta.byte_size);
    else
      must (adze_model_read (from, known, 0, added->data, added->meta.byte_size));
  }
  for (size_t i = 0; i < graph->body_count; i++)
    add_tensors (graph->bodies[i], from, model);
}

/* ---- Are two graphs the same? */

static inline void
assert_same_graphs (const adze_graph *a, const adze_graph *b);

static inline void
assert_same_values (const adze_graph *a, uint32_t one, const adze_graph *b, uint32_t other)
{
  assert_int_equal (one == ADZE_NONE, other == ADZE_NONE);
  if (one == ADZE_NONE)
    return;
  const adze_graph_value *x = a->values[one], *y = b->values[other];
  /* Those that the graph has named itself have their body's number then. */
  if (x->name[0] != '%')
    assert_string_equal (x->name, y->name);
  if (x->role != ADZE_ROLE_CONSTANT)
    assert_int_equal (x->role, y->role);
  assert_memory_equal (&x->dtype, &y->dtype, sizeof x->dtype);
  assert_int_equal (x->rank, y->rank);
  for (int32_t i = 0; i < x->rank; i++)
    assert_true (x->shape[i] < 0 || y->shape[i] == x->shape[i]);
}

static inline void
assert_same_attributes (const adze_graph_attribute *x, const adze_graph_attribute *y)
{
  assert_string_equal (x->name, y->name);
  assert_int_equal (x->type, y->type);
  assert_int_equal (x->count, y->count);
  for (size_t i = 0; i < x->count; i++)
    switch (x->type) {
    case ADZE_ATTRIBUTE_INT:
    case ADZE_ATTRIBUTE_INTS:
      assert_int_equal (x->ints[i], y->ints[i]);
      break;
    case ADZE_ATTRIBUTE_FLOAT:
    case ADZE_ATTRIBUTE_FLOATS:
      assert_memory_equal (&x->floats[i], &y->floats[i], sizeof x->floats[i]);
      break;
    case ADZE_ATTRIBUTE_TEXT:
    case ADZE_ATTRIBUTE_TEXTS:
      assert_int_equal (x->texts[i].size, y->texts[i].size);
      assert_memory_equal (x->texts[i].data, y->texts[i].data, x->texts[i].size);
      break;
    case ADZE_ATTRIBUTE_TENSOR:
      assert_int_equal (x->tensor->rank, y->tensor->rank);
      assert_memory_equal (adze_view_data (x->tensor), adze_view_data (y->tensor),
                           adze_view_count (x->tensor) * x->tensor->dtype.bits / 8);
      break;
    default:
      assert_same_graphs (x->graph, y->graph);
      break;
    }
}

static inline void
assert_same_nodes (const adze_graph *a, const adze_graph_node *x, const adze_graph *b,
                   const adze_graph_node *y)
{
  assert_string_equal (x->op, y->op);
  assert_string_equal (x->domain, y->domain);
  assert_string_equal (x->name, y->name);
  assert_int_equal (x->input_count, y->input_count);
  assert_int_equal (x->captured_count, y->captured_count);
  assert_int_equal (x->output_count, y->output_count);
  assert_int_equal (x->attribute_count, y->attribute_count);
  for (size_t i = 0; i < x->input_count; i++)
    assert_same_values (a, x->inputs[i], b, y->inputs[i]);
  for (size_t i = 0; i < x->output_count; i++)
    assert_same_values (a, x->outputs[i], b, y->outputs[i]);
  for (size_t i = 0; i < x->attribute_count; i++)
    assert_same_attributes (&x->attributes[i], &y->attributes[i]);
}

static inline void
assert_same_graphs (const adze_graph *a, const adze_graph *b)
{
  const uint32_t *one, *other;
  size_t count, as_many;
  /* Finding the order changes nothing else. */
  must (adze_graph_order ((adze_graph *)(uintptr_t)a, &one, &count));
  must (adze_graph_order ((adze_graph *)(uintptr_t)b, &other, &as_many));
  assert_int_equal (count, as_many);
  for (size_t i = 0; i < count; i++)
    assert_same_nodes (a, a->nodes[one[i]], b, b->nodes[other[i]]);
  assert_int_equal (a->inputs.count, b->inputs.count);
  for (size_t i = 0; i < a->inputs.count; i++)
    assert_same_values (a, a->inputs.items[i], b, b->inputs.items[i]);
  assert_int_equal (a->outputs.count, b->outputs.count);
  for (size_t i = 0; i < a->outputs.count; i++)
    assert_same_values (a, a->outputs.items[i], b, b->outputs.items[i]);
}

/* Writes GRAPH with the weights of FROM, reads it, and compares. */
static inline void
assert_comes_back (world *w, const adze_graph *graph, const adze_model *from)
{
  ADZE_AUTO_MODEL model = NULL;
  ADZE_AUTO_MODEL again = NULL;
  ADZE_AUTO_GRAPH read = NULL;
  must (adze_model_new (&model));
  add_tensors (graph, from, model);
  add_part (w, graph, model);
  must (write_model (w, model, "again.onnx", ""));
  again = open_model (w, "again.onnx");
  must (adze_graph_from_model (w->runtime, again, &read));
  assert_same_graphs (graph, read);
}

#endif

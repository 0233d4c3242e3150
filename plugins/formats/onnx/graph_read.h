/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_read.h: what the files share that make a graph of a model.
 *
 *   graph_read.c        the model and its graphs: weights, inputs, outputs, who means whom by a name
 *   graph_read_node.c   nodes: their inputs, outputs and bodies
 *   graph_read_attribute.c   their attributes
 *   graph_read_type.c   types and shapes, names
 */
#ifndef ONNX_GRAPH_READ_H
#define ONNX_GRAPH_READ_H

#include "onnx.h"
#include "weights.h"

enum {
  ONNX_GRAPH_NODE = 1,
  ONNX_GRAPH_INITIALIZER = 5,
  ONNX_GRAPH_INPUT = 11,
  ONNX_GRAPH_OUTPUT = 12,
  ONNX_GRAPH_VALUE_INFO = 13,
  ONNX_GRAPH_SPARSE = 15
};

enum { ONNX_MODEL_VERSION = 1, ONNX_MODEL_OPSET = 8, ONNX_MODEL_FUNCTION = 25 };

enum {
  ONNX_NODE_INPUT = 1,
  ONNX_NODE_OUTPUT = 2,
  ONNX_NODE_NAME = 3,
  ONNX_NODE_OPERATOR = 4,
  ONNX_NODE_ATTRIBUTE = 5,
  ONNX_NODE_DOMAIN = 7
};

/* ---- Memory that goes all at once. */

typedef struct onnx_scratch {
  const adze_host *host;
  struct onnx_block *blocks;
} onnx_scratch;

/* SIZE zeroed bytes; NULL without memory, which has been said then. */
void *onnx_scratch_take (onnx_scratch *scratch, size_t size);
void onnx_scratch_release (onnx_scratch *scratch);

/* ---- Names and what they mean. */

/* A weight that has another name in the model than its graph has for it, or what is made of one. */
typedef struct onnx_alias {
  const char *name;
  uint32_t value;
} onnx_alias;

/* What the bodies of one node take from around it, in the order of their further inputs. */
typedef struct onnx_captures {
  const char **names;
  size_t count, capacity;
} onnx_captures;

/* A graph while it is built. */
typedef struct onnx_scope onnx_scope;
struct onnx_scope {
  onnx_scope *outer; /* NULL: the model's own */
  adze_graph *graph;
  onnx_alias *aliases;
  size_t alias_count, alias_capacity;
  bool aliases_sorted;
  onnx_captures *captures; /* those of the node whose body this is; all are inputs here */
};

typedef struct onnx_graph_reader {
  onnx_walk walk; /* first, so that its callbacks find the rest */
  const adze_host *host;
  const adze_graph_service *graphs;
  onnx_input input; /* the model of the part */
  onnx_weights weights;
  onnx_scratch names; /* what lives as long as the reader */
  bool needs_opset;   /* the model says none for ONNX's own operators, and must */
} onnx_graph_reader;

/* The weight whose TensorProto begins at AT; NULL: that tensor is none. */
const onnx_item *onnx_weight_at (const onnx_graph_reader *self, uint64_t at);
/* Adds a weight that the graph calls NAME. */
adze_status onnx_add_weight (onnx_graph_reader *self, onnx_scope *scope, const onnx_item *item,
                             const onnx_tensor *tensor, const char *name);
/* Does the graph itself have a value of this name? Then *VALUE is it. */
bool onnx_own_value (const onnx_graph_reader *self, onnx_scope *scope, const char *name,
                     uint32_t *value);
/* The value that NAME means in a graph. What the graphs around it have becomes an input, and what
 * nobody has a value that no node makes. */
adze_status onnx_value_of (onnx_graph_reader *self, onnx_scope *scope, const char *name,
                           uint32_t *value);
/* Makes inputs of the captures from number FIRST on. */
adze_status onnx_take_captures (onnx_graph_reader *self, onnx_scope *scope,
                                const onnx_captures *captures, size_t first);

/* All of a GraphProto into SCOPE's graph. */
adze_status onnx_read_graph (onnx_graph_reader *self, onnx_scope *scope, onnx_span body);

/* ---- graph_read_node.c */

/* The values that a node makes, before any node refers to them; a Constant becomes a constant or a
 * weight at once. */
adze_status onnx_name_outputs (onnx_graph_reader *self, onnx_scope *scope,
                               const onnx_field *field);
adze_status onnx_read_node (onnx_graph_reader *self, onnx_scope *scope, const onnx_field *field);

/* A node while it is read. */
typedef struct onnx_node {
  onnx_scratch scratch;
  const char *op, *domain, *name; /* never NULL */
  const char **inputs, **outputs;
  size_t input_count, output_count;
  adze_graph_attribute *attributes;
  size_t attribute_count;
  onnx_captures captures;
} onnx_node;

/* States what is wrong with a node: "node 'conv1' (Conv) ...". */
__attribute__ ((format (printf, 4, 5))) adze_status
onnx_fail_node (const onnx_graph_reader *self, const onnx_node *node, adze_status status,
                const char *format, ...);

/* ---- graph_read_attribute.c */

/* An AttributeProto whose value is no graph; *GRAPH is where one is, if it is. */
adze_status onnx_read_attribute (onnx_graph_reader *self, onnx_node *node, const onnx_field *field,
                                 adze_graph_attribute *into, onnx_span *graph);

/* ---- graph_read_type.c */

typedef struct onnx_value_type {
  adze_dtype dtype; /* bits 0: not said */
  int32_t rank;     /* -1: not said */
  int64_t shape[ADZE_GRAPH_RANK];
} onnx_value_type;

/* The text in SPAN, ended by a NUL; none may be in it. */
adze_status onnx_read_text (onnx_graph_reader *self, onnx_scratch *scratch, onnx_span span,
                            const char **text);
/* The bytes of a message or a text. */
adze_status onnx_check_bytes (const onnx_graph_reader *self, const onnx_field *field);
/* A ValueInfoProto. Its symbols are those of SCOPE's graph. */
adze_status onnx_read_value_info (onnx_graph_reader *self, onnx_scope *scope,
                                  const onnx_field *field, const char **name,
                                  onnx_value_type *type);

#endif

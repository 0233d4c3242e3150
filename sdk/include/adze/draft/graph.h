/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/graph.h: networks as graphs of operators. Tier: draft.
 *
 * The operators are those of ONNX at opset 17 (domain ""), and some of our own (domain "adze") where
 * ONNX has no good form. Values are what flows: inputs, weights, and what nodes make. Nodes stand in
 * an order in which each comes after all that it needs.
 *
 * A node with bodies (If, Loop, Scan) sees nothing but its inputs: what a body takes from around it
 * are further inputs of the node, behind those of the operator, and further inputs of each body, in
 * the same order.
 */
#ifndef ADZE_DRAFT_GRAPH_H
#define ADZE_DRAFT_GRAPH_H

#include <adze/draft/model.h>
#include <adze/host_table.h>
#include <adze/tensor.h>

ADZE_BEGIN_DECLS

#define ADZE_GRAPH "adze.graph/1"
#define ADZE_GRAPH_OPSET 17
/* Dimensions of a value, at most. */
#define ADZE_GRAPH_RANK 16

typedef struct adze_graph adze_graph;

/* Values and nodes are numbers; this one stands for an input or an output that is left out. */
#define ADZE_NONE UINT32_MAX

typedef enum adze_value_role {
  ADZE_ROLE_NODE = 0,     /* a node makes it */
  ADZE_ROLE_INPUT = 1,    /* who executes the graph gives it */
  ADZE_ROLE_WEIGHT = 2,   /* the model's tensor of this name; training may change it */
  ADZE_ROLE_CONSTANT = 3  /* numbers that belong to the graph */
} adze_value_role;

/* Owned by the graph, read only, valid until the graph is edited.
 *
 * A dimension is a number, or -1 - S for symbol number S of the graph: a size that is not known yet,
 * the same wherever the same symbol stands. */
typedef struct adze_graph_value {
  uint32_t struct_size;
  uint32_t role;     /* adze_value_role */
  const char *name;  /* unique in its graph */
  adze_dtype dtype;  /* bits 0: not known */
  int32_t rank;      /* -1: not known */
  const int64_t *shape;
  uint32_t node;     /* who makes it, and as which output; ADZE_NONE otherwise */
  uint32_t output;
  const void *data;  /* of a constant, and of a weight that was loaded: compact elements */
  uint32_t fixed;    /* a weight that the file has as a constant, such as an exponent: no training */
  uint32_t reserved;
} adze_graph_value;

typedef enum adze_attribute_type {
  ADZE_ATTRIBUTE_INT = 1,
  ADZE_ATTRIBUTE_FLOAT = 2,
  ADZE_ATTRIBUTE_TEXT = 3,
  ADZE_ATTRIBUTE_TENSOR = 4,
  ADZE_ATTRIBUTE_GRAPH = 5,
  ADZE_ATTRIBUTE_INTS = 6,
  ADZE_ATTRIBUTE_FLOATS = 7,
  ADZE_ATTRIBUTE_TEXTS = 8
} adze_attribute_type;

typedef struct adze_graph_attribute {
  uint32_t struct_size;
  uint32_t type; /* adze_attribute_type; of the members below the one of that type is set */
  const char *name;
  size_t count; /* of ints, floats or texts; 1 for a single one */
  const int64_t *ints;
  const float *floats;
  const adze_text *texts;
  const adze_view *tensor;
  const adze_graph *graph;
} adze_graph_attribute;

typedef struct adze_graph_node {
  uint32_t struct_size;
  uint32_t number;
  const char *domain; /* "" is ONNX's */
  const char *op;
  const char *name;   /* "" where it has none */
  const uint32_t *inputs;  /* values, ADZE_NONE where left out */
  size_t input_count;      /* those of the operator, then those that bodies take from around */
  size_t captured_count;   /* of them, how many are of the second kind */
  const uint32_t *outputs;
  size_t output_count;
  const adze_graph_attribute *attributes;
  size_t attribute_count;
} adze_graph_node;

/* What a node is made of. Names of outputs may be NULL: the graph finds some. Copied. */
typedef struct adze_node_recipe {
  uint32_t struct_size;
  uint32_t reserved;
  const char *domain; /* NULL: "" */
  const char *op;
  const char *name; /* NULL: "" */
  const uint32_t *inputs;
  size_t input_count;
  size_t captured_count;
  const char *const *output_names; /* NULL: all by the graph; "": left out */
  size_t output_count;
  const adze_graph_attribute *attributes;
  size_t attribute_count;
} adze_node_recipe;

/* How a node is differentiated, where it is not by its operator's own rule. */
typedef enum adze_gradient_kind {
  ADZE_GRADIENT_RULE = 0,     /* by the rule; what was attached is forgotten */
  ADZE_GRADIENT_STRAIGHT = 1, /* that of the first output is that of the first input, as it is */
  ADZE_GRADIENT_NONE = 2,     /* nothing flows back: all inputs get zeros */
  ADZE_GRADIENT_BODY = 3      /* a graph says what flows back */
} adze_gradient_kind;

/* What can be done to a network that leaves what it computes. A set of them is a sum; they are done
 * in this order, again and again until none finds anything. What is an input or an output of the
 * graph keeps its name, type and shape. Bodies of If, Loop and Scan stay as they are.
 *
 * The first three give the same bytes on a backend that computes one operator like the other; of a
 * NaN it may be another NaN. The two that follow compute with new numbers, reckoned in float64 and
 * rounded once: results differ by roundings. The last one says itself what it changes. */
typedef enum adze_graph_pass {
  /* Nodes whose inputs are all numbers that are there are computed, by the backend `ref`. A weight
   * is taken for such where nobody else needs it, and what comes of it is a weight. Left are nodes
   * whose result is larger than what it is made of, random ones, and DequantizeLinear, without which
   * the numbers would be no codes any more. */
  ADZE_PASS_CONSTANTS = 1,
  /* Nodes that give what they take: Identity, Dropout where nobody trains, Cast to the same type,
   * Reshape to the same shape, Mul by 1, Add of -0 ... Reshapes behind each other, and Transposes,
   * become one. */
  ADZE_PASS_IDENTITIES = 2,
  /* Of nodes that do the same to the same values one stays. */
  ADZE_PASS_COMMON = 4,
  /* BatchNormalization behind Conv, ConvTranspose, Gemm or MatMul goes into their weights. */
  ADZE_PASS_BATCH_NORM = 8,
  /* Add of a vector behind Conv, ConvTranspose, Gemm or MatMul becomes their bias. */
  ADZE_PASS_BIAS = 16,
  /* Nodes and weights that no output needs. */
  ADZE_PASS_DEAD = 32,
  /* Conv, Gemm and MatMul of what DequantizeLinear gives are computed in its integers: QLinearConv or
   * QLinearMatMul where QuantizeLinear follows (behind Relu or Clip, too), else ConvInteger or
   * MatMulInteger, of which floats are made behind the sums. A dense layer with a bias becomes a
   * convolution of one position. Of what lies in between, MaxPool and what only moves elements is done
   * on integers as well. A bias becomes one of integers, in steps of the products: so a result may
   * be one step of its scale beside that of the floats, where those lay between two. */
  ADZE_PASS_INTEGERS = 64
} adze_graph_pass;

/* How many passes there are. */
#define ADZE_GRAPH_PASSES 7

/* ---- Channels that hang together.
 *
 * To take a channel out of a network is to take a row of one weight, an element of a bias, a column
 * of each weight behind it, what a residual sum adds to it, and so on. All that must go at once is
 * one channel here. Channels that lie in the same dimensions of the same weights are a group: what
 * is pruned is chosen among those of a group. The structs are frozen, so that arrays of them need no
 * stride. */

/* One place along a dimension of a weight or constant. */
typedef struct adze_channel_place {
  uint32_t value;
  int32_t axis;
  int64_t index;
} adze_channel_place;

/* What can only go together; by value, dimension, index. */
typedef struct adze_channel {
  const adze_channel_place *places;
  size_t count;
} adze_channel;

/* All channels of a group have places in the same dimensions, and as many of them. */
typedef struct adze_channel_group {
  const adze_channel *channels;
  size_t count;
  /* Their mean is taken out of others' (LayerNormalization): one that is all zeros is seen in what
   * comes out, so that removing it changes more than itself. */
  bool mixed;
} adze_channel_group;

/* Why places along a dimension of a value are in no group. */
typedef enum adze_channels_fixed {
  ADZE_CHANNELS_FREE = 0,   /* they are, or nobody computes with them */
  ADZE_CHANNELS_INPUT = 1,  /* an input of the graph has them */
  ADZE_CHANNELS_OUTPUT = 2, /* an output has */
  ADZE_CHANNELS_NODE = 3    /* a node needs all of them: *NODE is its number */
} adze_channels_fixed;

typedef struct adze_groups adze_groups;

typedef struct adze_graph_service {
  uint32_t struct_size;

  /* ---- Reading. */

  /* [callback] How many there are; numbers run from 0. A number of a node that was removed has no
   * node: NULL. */
  uint32_t (*value_count) (const adze_graph *graph);
  uint32_t (*node_count) (const adze_graph *graph);
  const adze_graph_value *(*value) (const adze_graph *graph, uint32_t number);
  const adze_graph_node *(*node) (const adze_graph *graph, uint32_t number);
  /* [callback] Numbers of nodes in order of execution; NULL: there is none, for nodes wait for each
   * other (verify says which). */
  const uint32_t *(*order) (const adze_graph *graph, size_t *count);
  const uint32_t *(*inputs) (const adze_graph *graph, size_t *count);
  const uint32_t *(*outputs) (const adze_graph *graph, size_t *count);
  const char *(*symbol) (const adze_graph *graph, uint32_t number);
  uint32_t (*find_value) (const adze_graph *graph, const char *name); /* or ADZE_NONE */

  /* ---- Building. Each says by its status, and by adze.error, what it refuses. */

  /* [callback] A value that a node is going to make, for graphs that name values before their nodes
   * come: the node whose recipe names it makes it. One that no node ever makes is refused by
   * verify. */
  adze_status (*add_value) (const adze_host *host, adze_graph *graph, const char *name,
                            uint32_t *value);
  /* [callback] Type and shape may be unknown: dtype.bits 0, rank -1. */
  adze_status (*add_input) (const adze_host *host, adze_graph *graph, const char *name,
                            adze_dtype dtype, int32_t rank, const int64_t *shape, uint32_t *value);
  adze_status (*add_weight) (const adze_host *host, adze_graph *graph, const char *name,
                             adze_dtype dtype, int32_t rank, const int64_t *shape, uint32_t *value);
  adze_status (*add_constant) (const adze_host *host, adze_graph *graph, const char *name,
                               const adze_view *numbers, uint32_t *value); /* copied */
  /* [callback] The dimension that stands for a symbol; the same NAME gives the same. NULL: a new
   * one. */
  adze_status (*add_symbol) (const adze_host *host, adze_graph *graph, const char *name,
                             int64_t *dimension);
  /* [callback] OUTPUTS (may be NULL) gets output_count values. */
  adze_status (*add_node) (const adze_host *host, adze_graph *graph,
                           const adze_node_recipe *recipe, uint32_t *outputs);
  adze_status (*add_output) (const adze_host *host, adze_graph *graph, uint32_t value);
  /* [callback] What is said of a value elsewhere (value_info): checked against what is inferred. */
  adze_status (*declare) (const adze_host *host, adze_graph *graph, uint32_t value,
                          adze_dtype dtype, int32_t rank, const int64_t *shape);
  /* [callback] An empty graph, for a body; belongs to GRAPH and goes with it. */
  adze_status (*add_body) (const adze_host *host, adze_graph *graph, adze_graph **body);

  /* ---- Editing. */

  /* [callback] Whoever took OLD takes NEW. */
  adze_status (*replace) (const adze_host *host, adze_graph *graph, uint32_t old_value,
                          uint32_t new_value);
  adze_status (*remove_node) (const adze_host *host, adze_graph *graph, uint32_t node);

  /* ---- Looking at it as a whole. */

  /* [callback] Is it sound? A refusal names the node. Infers types and shapes as well. */
  adze_status (*verify) (const adze_host *host, adze_graph *graph);

  /* [callback] The opset of ONNX that the nodes are of, where a format builds an older or newer
   * model; the host makes ADZE_GRAPH_OPSET of it. Bodies need no word of their own. */
  adze_status (*set_opset) (const adze_host *host, adze_graph *graph, int64_t opset);

  /* ---- Numbers, and what follows from a network. */

  /* [callback] The numbers of a weight, or of what becomes a constant; copied. */
  adze_status (*set_data) (const adze_host *host, adze_graph *graph, uint32_t value,
                           const void *data, size_t size);
  /* [callback] Adds the gradients of SCALAR, a float value of one element, with respect to VALUES:
   * GRADIENTS[I] is that of VALUES[I], of its shape. Types must have been inferred (verify). */
  adze_status (*differentiate) (const adze_host *host, adze_graph *graph, uint32_t scalar,
                                const uint32_t *values, size_t count, uint32_t *gradients);
  /* [callback] Removes nodes that no output needs; *COUNT (may be NULL) says how many. */
  adze_status (*remove_dead) (const adze_host *host, adze_graph *graph, size_t *count);
  /* [callback] Replaces input INDEX of a node; sets or replaces an attribute. */
  adze_status (*set_input) (const adze_host *host, adze_graph *graph, uint32_t node, size_t index,
                            uint32_t value);
  adze_status (*set_attribute) (const adze_host *host, adze_graph *graph, uint32_t node,
                                const adze_graph_attribute *attribute);

  /* ---- Differentiating otherwise. */

  /* [callback] What differentiate does with a node. KIND is an adze_gradient_kind; BODY is NULL but
   * for ADZE_GRADIENT_BODY, where it is a graph from add_body. It takes the node's inputs, its
   * outputs, and the gradients of those outputs that are floats; it gives the gradients of those
   * inputs that are floats, of their shapes; inputs and outputs that are left out are left out
   * there as well. It has no weights. An output that is no float has no gradient, whatever is
   * attached. Belongs to the graph, not to files that are written of it. */
  adze_status (*set_gradient) (const adze_host *host, adze_graph *graph, uint32_t node,
                               uint32_t kind, adze_graph *body);

  /* [callback] Does PASSES, a sum of adze_graph_pass. CHANGED[I] becomes the number of nodes that the
   * pass 1 << I has changed or removed, and stays where it was not asked for: room for
   * ADZE_GRAPH_PASSES. Refused where a node is not sound (as verify does); where a node that has to be
   * computed cannot be; and with ADZE_PASS_CONSTANTS for a graph of a host that has no backend at
   * hand: those of adze.run/1 have one. */
  adze_status (*optimise) (const adze_host *host, adze_graph *graph, uint32_t passes,
                           uint64_t *changed);

  /* [callback] A weight that is no parameter: training leaves it as it is. */
  adze_status (*fix_weight) (const adze_host *host, adze_graph *graph, uint32_t weight);

  /* [callback] Another type and shape for an input or a weight; numbers that it had are forgotten. */
  adze_status (*set_type) (const adze_host *host, adze_graph *graph, uint32_t value,
                           adze_dtype dtype, int32_t rank, const int64_t *shape);

  /* ---- Channels that hang together. */

  /* [callback] Types and shapes must have been inferred (verify). *GROUPS is freed by free_groups, before
   * the callback returns; it speaks of GRAPH as it is, and an edit makes it worthless. */
  adze_status (*find_groups) (const adze_host *host, const adze_graph *graph, adze_groups **groups);
  void (*free_groups) (adze_groups *groups); /* NULL is one, too */
  /* [callback] Numbers run from 0; NULL: there is no such group. */
  size_t (*group_count) (const adze_groups *groups);
  const adze_channel_group *(*group) (const adze_groups *groups, size_t number);
  /* [callback] Of a dimension: an adze_channels_fixed, and the NODE (may be NULL) where it is one. */
  uint32_t (*why_fixed) (const adze_groups *groups, uint32_t value, int32_t axis, uint32_t *node);
  /* [callback] Removes channels: REMOVED[g][c] for channel c of group g; REMOVED[g] may be NULL. Shapes
   * of weights, settings of nodes that count channels and numbers that there are follow. What would
   * leave nothing of a dimension is refused, and nothing has changed then. */
  adze_status (*remove_channels) (const adze_host *host, adze_graph *graph,
                                  const adze_groups *groups, const bool *const *removed);
} adze_graph_service;

static inline const adze_graph_service *
adze_graph_of (const adze_host *host)
{
  return (const adze_graph_service *)host->service (host, ADZE_GRAPH);
}

/* NULL: the node has no such attribute. */
static inline const adze_graph_attribute *
adze_node_attribute (const adze_graph_node *node, const char *name)
{
  for (size_t i = 0; i < node->attribute_count; i++) {
    const char *a = node->attributes[i].name, *b = name;
    while (*a && *a == *b)
      a++, b++;
    if (*a == *b)
      return &node->attributes[i];
  }
  return NULL;
}

static inline int64_t
adze_node_int (const adze_graph_node *node, const char *name, int64_t preset)
{
  const adze_graph_attribute *found = adze_node_attribute (node, name);
  return found && found->type == ADZE_ATTRIBUTE_INT ? found->ints[0] : preset;
}

static inline float
adze_node_float (const adze_graph_node *node, const char *name, float preset)
{
  const adze_graph_attribute *found = adze_node_attribute (node, name);
  return found && found->type == ADZE_ATTRIBUTE_FLOAT ? found->floats[0] : preset;
}

static inline const char *
adze_node_text (const adze_graph_node *node, const char *name, const char *preset)
{
  const adze_graph_attribute *found = adze_node_attribute (node, name);
  return found && found->type == ADZE_ATTRIBUTE_TEXT ? found->texts[0].data : preset;
}

/* NULL, and *COUNT 0: there is none. */
static inline const int64_t *
adze_node_ints (const adze_graph_node *node, const char *name, size_t *count)
{
  const adze_graph_attribute *found = adze_node_attribute (node, name);
  bool is = found && found->type == ADZE_ATTRIBUTE_INTS;
  *count = is ? found->count : 0;
  return is ? found->ints : NULL;
}

ADZE_END_DECLS

#endif

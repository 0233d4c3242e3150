/* SPDX-License-Identifier: Apache-2.0 */
/* graph/operators.h: the one table of operators: how many inputs and outputs each has, of which
 * types, which attributes, how types and shapes follow. How each is differentiated is in
 * graph/gradient.h. */
#ifndef ADZE_GRAPH_OPERATORS_H
#define ADZE_GRAPH_OPERATORS_H

#include "graph/graph.h"

/* What is known of a value when a node is looked at: before anything runs, with symbols; or while
 * it runs, when all sizes and numbers are there. */
typedef struct adze_infer_value {
  adze_dtype dtype; /* bits 0: not known */
  int32_t rank;     /* -1: not known */
  int64_t shape[ADZE_GRAPH_RANK];
  const void *data; /* numbers, where known; compact */
  bool given;       /* the input is there, the output is asked for */
} adze_infer_value;

typedef struct adze_infer {
  const adze_graph_node *node;
  const adze_infer_value *inputs;
  size_t input_count;
  adze_infer_value *outputs; /* to be filled in; they begin as not known */
  size_t output_count;
  /* A new symbol, for a dimension that nobody can tell yet. */
  int64_t (*fresh) (void *argument);
  void *argument;
} adze_infer;

/* "node 3 'conv1' (Conv): ..." of status ADZE_E_FORMAT */
ADZE_MUST_CHECK adze_error *adze_infer_refuse (const adze_infer *infer, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Sets of element types. Where ONNX takes half, float and double, bfloat16 is taken as well, as
 * later opsets do: graphs of mixed precision are made of the same operators. */
typedef enum adze_element_set {
  ADZE_T_HALF = 1,
  ADZE_T_FLOAT = 2,
  ADZE_T_DOUBLE = 4,
  ADZE_T_BFLOAT = 8,
  ADZE_T_INT8 = 16,
  ADZE_T_INT16 = 32,
  ADZE_T_INT32 = 64,
  ADZE_T_INT64 = 128,
  ADZE_T_UINT8 = 256,
  ADZE_T_UINT16 = 512,
  ADZE_T_UINT32 = 1024,
  ADZE_T_UINT64 = 2048,
  ADZE_T_BOOL = 4096,
  ADZE_T_COMPLEX64 = 8192,
  ADZE_T_COMPLEX128 = 16384,
  ADZE_T_REAL = ADZE_T_HALF | ADZE_T_FLOAT | ADZE_T_DOUBLE | ADZE_T_BFLOAT,
  ADZE_T_SIGNED = ADZE_T_INT8 | ADZE_T_INT16 | ADZE_T_INT32 | ADZE_T_INT64,
  ADZE_T_UNSIGNED = ADZE_T_UINT8 | ADZE_T_UINT16 | ADZE_T_UINT32 | ADZE_T_UINT64,
  ADZE_T_INDEX = ADZE_T_INT32 | ADZE_T_INT64,
  ADZE_T_BYTE = ADZE_T_INT8 | ADZE_T_UINT8,
  ADZE_T_NUMBER = ADZE_T_REAL | ADZE_T_SIGNED | ADZE_T_UNSIGNED,
  /* Real numbers, and whole ones of four bytes and more. */
  ADZE_T_WIDE = ADZE_T_REAL | ADZE_T_INDEX | ADZE_T_UINT32 | ADZE_T_UINT64,
  ADZE_T_PLAIN = ADZE_T_NUMBER | ADZE_T_BOOL,
  ADZE_T_ANY = ADZE_T_PLAIN | ADZE_T_COMPLEX64 | ADZE_T_COMPLEX128
} adze_element_set;

enum { ADZE_OPERATOR_SETS = 5 };

typedef struct adze_operator {
  const char *domain, *name;
  uint8_t least_inputs, most_inputs; /* 255: any number */
  uint8_t least_outputs, most_outputs;
  /* A letter for each input and each output, the last one for all that follow: where the same
   * letter stands, elements are of the same type. 'a' is one of SETS[0], 'b' of SETS[1] and so on;
   * of '.' the rule takes care. Outputs get their types from here before the rule is asked. */
  const char *inputs, *outputs;
  uint16_t sets[ADZE_OPERATOR_SETS];
  /* "axis:i kernel_shape:I! mode:s": i, f, s, t, g for a whole number, a float, a text, a tensor, a
   * graph; I, F, S for lists; '!' where it cannot be left out. Another attribute is refused, unless
   * its name has a dot in it: then it is a note of somebody else's. */
  const char *attributes;
  /* Fills in the outputs as far as the inputs tell; refuses what cannot be. Counts, types and
   * attributes were checked before, and sizes of outputs are after. */
  adze_error *(*infer) (adze_infer *infer);
} adze_operator;

const adze_operator *adze_operator_find (const char *domain, const char *name); /* or NULL */
const adze_operator *adze_operator_at (size_t index); /* NULL beyond the last */

/* One word why an operator needs no gradient; NULL: it must have one. */
const char *adze_operator_exemption (const adze_operator *operator);
/* One of those words that stands for an operator that is none, or is explained nowhere; NULL: none. */
const char *adze_operator_exemption_stale (void);
bool adze_operator_computed (const adze_operator *operator); /* by ref, or by the host itself */
/* docs/operators.md */
void adze_operators_page (adze_buffer *into);

#endif

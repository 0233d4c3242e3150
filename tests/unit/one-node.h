/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of one product or convolution, in float or double, with numbers that are always the
 * same: what a backend is held against ref with. */
#ifndef TESTS_UNIT_ONE_NODE_H
#define TESTS_UNIT_ONE_NODE_H

#include "train-networks.h"

enum { MOST_OPERANDS = 3, MOST_NUMBERS = 1 << 17 };

typedef struct product {
  adze_graph *graph;
  bool twice; /* double */
  adze_view inputs[MOST_OPERANDS];
  int64_t shapes[MOST_OPERANDS][ADZE_GRAPH_RANK];
  size_t input_count;
  unsigned seed;
} product;

static inline double
draw (unsigned *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return (double)(*seed >> 8) / 8388608.0 - 1;
}

/* Numbers from -1 to 1, always the same, to be freed. */
static inline void *
numbers_of (product *p, size_t count)
{
  char *numbers = malloc ((count + 1) * sizeof (double));
  assert_non_null (numbers);
  assert_true (count <= MOST_NUMBERS);
  for (size_t i = 0; i < count; i++)
    if (p->twice)
      ((double *)(void *)numbers)[i] = draw (&p->seed);
    else
      ((float *)(void *)numbers)[i] = (float)draw (&p->seed);
  return numbers;
}

/* "3,4": an input; "=3,4": a constant; ".": a scalar. */
static inline uint32_t
operand (product *p, const char *word)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  char name[8];
  uint32_t value;
  bool constant = *word == '=';
  adze_dtype dtype = p->twice ? f64 : f32;
  for (char *at = (char *)(uintptr_t)(word + constant); *at && *at != '.'; at += *at == ',')
    shape[rank++] = strtol (at, &at, 10);
  adze_view view = view_of (NULL, dtype, rank, shape);
  view.data = numbers_of (p, adze_view_count (&view));
  if (constant) {
    must (adze_graph_add_constant (p->graph, NULL, &view, &value));
    free (view.data);
    return value;
  }
  snprintf (name, sizeof name, "x%zu", p->input_count);
  must (adze_graph_add_input (p->graph, name, dtype, rank, shape, &value));
  memcpy (p->shapes[p->input_count], shape, sizeof shape);
  view.shape = p->shapes[p->input_count];
  p->inputs[p->input_count++] = view;
  return value;
}

typedef struct problem {
  const char *op, *operands;
  int64_t turned_a, turned_b;
  float alpha, beta;
  const char *convolution; /* attributes: "pads=1,1 group=2" */
} problem;

enum { MOST_ATTRIBUTES = 4, MOST_NUMBERS_OF_ONE = 6 };

/* Attributes of a Conv, and where they lie. */
typedef struct attributes {
  char names[MOST_ATTRIBUTES][16];
  int64_t numbers[MOST_ATTRIBUTES][MOST_NUMBERS_OF_ONE];
  adze_text texts[MOST_ATTRIBUTES];
  adze_graph_attribute list[MOST_ATTRIBUTES];
  size_t count;
} attributes;

static inline void
read_attributes (const char *words, attributes *into)
{
  *into = (attributes){ 0 };
  for (const char *at = words; *at; at += *at == ' ') {
    size_t i = into->count++, size = strcspn (at, "="), count = 0;
    snprintf (into->names[i], sizeof into->names[i], "%.*s", (int)size, at);
    at += size + 1;
    if (*at >= 'A') {
      into->texts[i] = (adze_text){ at, strcspn (at, " ") };
      into->list[i] = adze_attribute_text (into->names[i], &into->texts[i]);
      at += into->texts[i].size;
      continue;
    }
    char *end = NULL;
    for (; *at && *at != ' '; at = end + (*end == ','))
      into->numbers[i][count++] = strtol (at, &end, 10);
    into->list[i] = strcmp (into->names[i], "group") == 0
                        ? adze_attribute_int (into->names[i], into->numbers[i])
                        : adze_attribute_ints (into->names[i], into->numbers[i], count);
  }
}

static inline void
product_make (product *p, const problem *what, bool twice)
{
  uint32_t operands[MOST_OPERANDS], output;
  size_t count = 0;
  char words[64], *rest = NULL;
  *p = (product){ .twice = twice, .seed = 7 };
  must (adze_graph_new ("product", &p->graph));
  snprintf (words, sizeof words, "%s", what->operands);
  for (char *word = strtok_r (words, " ", &rest); word; word = strtok_r (NULL, " ", &rest))
    operands[count++] = operand (p, word);
  attributes given;
  read_attributes (what->convolution ? what->convolution : "", &given);
  bool is_gemm = strcmp (what->op, "Gemm") == 0;
  const adze_graph_attribute factors[]
      = { adze_attribute_int ("transA", &what->turned_a),
          adze_attribute_int ("transB", &what->turned_b),
          adze_attribute_float ("alpha", &what->alpha),
          adze_attribute_float ("beta", &what->beta) };
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = what->op,
                                    .inputs = operands,
                                    .input_count = count,
                                    .output_count = 1,
                                    .attributes = is_gemm ? factors : given.list,
                                    .attribute_count
                                    = is_gemm ? ADZE_COUNT_OF (factors) : given.count };
  must (adze_graph_add_node (p->graph, &recipe, &output));
  must (adze_graph_add_output (p->graph, output));
}

static inline void
product_free (product *p)
{
  for (size_t i = 0; i < p->input_count; i++)
    free (p->inputs[i].data);
  adze_graph_free (p->graph);
}

#endif

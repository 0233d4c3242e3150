/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of one operator, their gradients, and what a small step to either side changes, in double
 * precision: of the loss, and of the gradients themselves. */
#ifndef TESTS_UNIT_GRADIENT_TESTS_H
#define TESTS_UNIT_GRADIENT_TESTS_H

#include <math.h>
#include <stdio.h>

#include "engine.h"
#include "static-build.h"

#include "graph/gradient.h"
#include "graph/graph_private.h"
#include "graph/infer.h"

enum { MOST_INPUTS = 8, MOST_ELEMENTS = 512 };

/* The rules that were held against small steps. */
static const adze_gradient_rule *checked[256];
static size_t checked_count;

static const adze_dtype f64 = { ADZE_FLOAT, 64, 1 }, i64 = { ADZE_INT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 }, truths = { ADZE_BOOL, 8, 1 };

/* Always the same numbers, neither near to each other nor to what an operator has a corner at. */
static double
draw (unsigned *seed, double low, double high)
{
  *seed = *seed * 1664525u + 1013904223u;
  return low + (high - low) * ((double)(*seed >> 8) + 0.5) / 16777216.0;
}

/* ---- A case: "f2,3" is an input of doubles of this shape, "z2,3" one with a few zeros in it; "i3:0,2,1"
 * is a constant of whole numbers, "n..." one of int32, "b..." one of truths, "-" is left out. An operator
 * of our own domain has "adze." in front of its name, one with several outputs ":3" behind it. */

typedef struct input {
  int64_t shape[8];
  int32_t rank;
  double numbers[MOST_ELEMENTS];
  size_t count;
  uint32_t value;
} input;

typedef struct problem {
  const char *op, *inputs, *attributes; /* "axis=1 perm=1,0 alpha=.5 mode='x' names='a','b'" */
  double low, high;
} problem;

typedef struct build_state {
  adze_graph *graph;
  input inputs[MOST_INPUTS];
  size_t input_count; /* of doubles */
  uint32_t operands[8];
  size_t operand_count;
  uint32_t loss, slopes; /* a sum of all gradients; each counts by another weight */
  uint32_t gradients[2 * MOST_INPUTS]; /* of the loss, then of the slopes */
} build_state;

static const char *
read_shape (const char *at, int64_t *shape, int32_t *rank, size_t *count)
{
  *count = 1;
  for (*rank = 0; *at >= '0' && *at <= '9'; at += *at == ',') {
    shape[*rank] = strtol (at, (char **)(uintptr_t)&at, 10);
    *count *= (size_t)shape[(*rank)++];
  }
  return at;
}

static const char *
add_doubles (build_state *b, const char *at, const problem *p, unsigned *seed, size_t zero)
{
  char name[16];
  input *x = &b->inputs[b->input_count];
  at = read_shape (at, x->shape, &x->rank, &x->count);
  assert_true (x->count <= MOST_ELEMENTS);
  for (size_t i = 0; i < x->count; i++)
    x->numbers[i] = zero && i % zero == 1 ? 0 : draw (seed, p->low, p->high);
  snprintf (name, sizeof name, "x%zu", b->input_count++);
  must (adze_graph_add_input (b->graph, name, f64, x->rank, x->shape, &x->value));
  b->operands[b->operand_count++] = x->value;
  return at;
}

static const char *
add_wholes (build_state *b, const char *at, adze_dtype dtype)
{
  int64_t shape[8], numbers[MOST_ELEMENTS];
  int32_t rank, halves[MOST_ELEMENTS];
  unsigned char bytes[MOST_ELEMENTS];
  size_t count;
  at = read_shape (at, shape, &rank, &count) + 1;
  for (size_t i = 0; i < count; i++, at += *at == ',') {
    numbers[i] = strtol (at, (char **)(uintptr_t)&at, 10);
    halves[i] = (int32_t)numbers[i];
    bytes[i] = numbers[i] != 0;
  }
  void *data = dtype.bits == 64 ? (void *)numbers : dtype.bits == 32 ? (void *)halves : bytes;
  adze_view view = { .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank, .dtype = dtype,
                     .shape = shape };
  must (adze_graph_add_constant (b->graph, NULL, &view, &b->operands[b->operand_count++]));
  return at;
}

static const char *
add_operand (build_state *b, const char *at, const problem *p, unsigned *seed)
{
  switch (*at) {
  case '-':
    b->operands[b->operand_count++] = ADZE_NONE;
    return at + 1;
  case 'f':
    return add_doubles (b, at + 1, p, seed, 0);
  case 'z':
    return add_doubles (b, at + 1, p, seed, 3);
  default:
    return add_wholes (b, at + 1, *at == 'i' ? i64 : *at == 'n' ? i32 : truths);
  }
}

/* Whole numbers are told from floats by their point, lists by their comma or an 's' behind the name. */
static size_t
read_attributes (const char *text, adze_graph_attribute *attributes, char names[8][32],
                 int64_t ints[8][8], float floats[8][8], adze_text texts[8][8])
{
  size_t count = 0;
  for (const char *at = text; *at; at += *at == ' ', count++) {
    size_t size = strcspn (at, "=");
    snprintf (names[count], 32, "%.*s", (int)size, at);
    at += size + 1;
    adze_graph_attribute *a = &attributes[count];
    *a = (adze_graph_attribute){ .struct_size = sizeof *a, .name = names[count], .count = 1 };
    size_t length = strcspn (at, " ");
    if (*at == '\'') {
      size_t parts = 0;
      for (const char *end = at; end < at + length; end++) {
        size_t part = strcspn (end + 1, "'");
        texts[count][parts++] = (adze_text){ end + 1, part };
        end += part + 2;
      }
      a->type = parts > 1 || at[length - 1] == ',' ? ADZE_ATTRIBUTE_TEXTS : ADZE_ATTRIBUTE_TEXT;
      a->count = parts;
      a->texts = texts[count];
    } else if (memchr (at, '.', length)) {
      const char *end = at;
      size_t numbers = 0;
      for (; end < at + length; end += *end == ',')
        floats[count][numbers++] = strtof (end, (char **)(uintptr_t)&end);
      a->type = memchr (at, ',', length) ? ADZE_ATTRIBUTE_FLOATS : ADZE_ATTRIBUTE_FLOAT;
      a->count = numbers;
      a->floats = floats[count];
    } else {
      const char *end = at;
      size_t numbers = 0;
      for (; end < at + length; end += *end == ',')
        ints[count][numbers++] = strtol (end, (char **)(uintptr_t)&end, 10);
      a->ints = ints[count];
      a->count = numbers;
      a->type = numbers == 1 && at[length - 1] != ',' ? ADZE_ATTRIBUTE_INT : ADZE_ATTRIBUTE_INTS;
    }
    at += length;
  }
  return count;
}

static void
add_ops (adze_graph *graph, const char *op, const uint32_t *inputs, size_t count,
         const adze_graph_attribute *attributes, size_t attribute_count, uint32_t *outputs,
         size_t output_count)
{
  bool ours = strncmp (op, "adze.", 5) == 0;
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .domain = ours ? "adze" : "",
                              .op = ours ? op + 5 : op, .inputs = inputs, .input_count = count,
                              .output_count = output_count, .attributes = attributes,
                              .attribute_count = attribute_count };
  must (adze_graph_add_node (graph, &recipe, outputs));
  must (adze_graph_infer_node (graph,
                               adze_graph_node_at (graph, adze_graph_node_count (graph) - 1)));
}

static inline uint32_t
add_op (adze_graph *graph, const char *op, const uint32_t *inputs, size_t count,
        const adze_graph_attribute *attributes, size_t attribute_count)
{
  uint32_t output;
  add_ops (graph, op, inputs, count, attributes, attribute_count, &output, 1);
  return output;
}

/* Each output counts by another weight, so that no gradient hides behind another. */
static uint32_t
weighted_sum (adze_graph *graph, uint32_t value, unsigned *seed)
{
  const adze_graph_value *known = adze_graph_value_at (graph, value);
  double weights[4 * MOST_ELEMENTS];
  int64_t shape[ADZE_GRAPH_RANK];
  adze_view view = { .data = weights, .device = { ADZE_DEVICE_CPU, 0 }, .rank = known->rank,
                     .dtype = f64, .shape = shape };
  assert_true (known->rank >= 0);
  for (int32_t i = 0; i < known->rank; i++)
    shape[i] = known->shape[i];
  assert_true (adze_view_count (&view) <= ADZE_COUNT_OF (weights));
  for (size_t i = 0; i < adze_view_count (&view); i++)
    weights[i] = draw (seed, 0.5, 1.5);
  uint32_t pair[] = { value, 0 };
  must (adze_graph_add_constant (graph, NULL, &view, &pair[1]));
  uint32_t product = add_op (graph, "Mul", pair, 2, NULL, 0);
  int64_t keep = 0;
  const adze_graph_attribute attribute = adze_attribute_int ("keepdims", &keep);
  return add_op (graph, "ReduceSum", &product, 1, &attribute, 1);
}

/* Of those that are of doubles. */
static uint32_t
weighted_sums (adze_graph *graph, const uint32_t *values, size_t count, unsigned *seed)
{
  uint32_t sum = ADZE_NONE;
  for (size_t i = 0; i < count; i++) {
    if (adze_graph_value_at (graph, values[i])->dtype.code != ADZE_FLOAT)
      continue;
    uint32_t pair[] = { sum, weighted_sum (graph, values[i], seed) };
    sum = sum == ADZE_NONE ? pair[1] : add_op (graph, "Add", pair, 2, NULL, 0);
  }
  return sum;
}

static void
build_problem (build_state *b, const problem *p)
{
  adze_graph_attribute attributes[8];
  char names[8][32];
  int64_t ints[8][8];
  float floats[8][8];
  adze_text texts[8][8];
  uint32_t outputs[4];
  char op[32];
  const char *colon = strchr (p->op, ':');
  size_t output_count = colon ? (size_t)(colon[1] - '0') : 1;
  unsigned seed = 7;
  *b = (build_state){ 0 };
  must (adze_graph_new (p->op, &b->graph));
  for (const char *at = p->inputs; *at; at += *at == ' ')
    at = add_operand (b, at, p, &seed);
  size_t count = read_attributes (p->attributes, attributes, names, ints, floats, texts);
  snprintf (op, sizeof op, "%.*s", (int)strcspn (p->op, ":"), p->op);
  add_ops (b->graph, op, b->operands, b->operand_count, attributes, count, outputs,
           output_count);
  b->loss = weighted_sums (b->graph, outputs, output_count, &seed);
}

/* ---- Its gradients, and theirs. */

static inline adze_executable *
compile_on (const engine *e, adze_graph *graph)
{
  adze_executable *executable = NULL;
  const adze_compile_options options = { .ref = e->ref };
  must (adze_graph_compile (graph, &options, &executable));
  return executable;
}

/* Outputs: the loss, the slopes, gradients of the first, gradients of the second. */
static void
differentiate_twice (build_state *b)
{
  uint32_t values[MOST_INPUTS];
  unsigned seed = 11;
  for (size_t i = 0; i < b->input_count; i++)
    values[i] = b->inputs[i].value;
  must (adze_graph_differentiate (b->graph, b->loss, values, b->input_count, b->gradients));
  b->slopes = weighted_sums (b->graph, b->gradients, b->input_count, &seed);
  must (adze_graph_differentiate (b->graph, b->slopes, values, b->input_count,
                                  b->gradients + b->input_count));
  must (adze_graph_add_output (b->graph, b->loss));
  must (adze_graph_add_output (b->graph, b->slopes));
  for (size_t i = 0; i < 2 * b->input_count; i++)
    must (adze_graph_add_output (b->graph, b->gradients[i]));
}

/* The loss and the slopes as the inputs are now. */
static void
execute_problem (adze_executable *executable, build_state *b, const adze_view **outputs,
                 double sums[2])
{
  adze_view views[MOST_INPUTS];
  const adze_view *inputs[MOST_INPUTS];
  for (size_t i = 0; i < b->input_count; i++) {
    input *x = &b->inputs[i];
    views[i] = (adze_view){ .data = x->numbers, .device = { ADZE_DEVICE_CPU, 0 }, .rank = x->rank,
                            .dtype = f64, .shape = x->shape };
    inputs[i] = &views[i];
  }
  must (adze_execute (executable, inputs, outputs));
  for (size_t i = 0; i < 2; i++)
    sums[i] = *(const double *)adze_view_data (outputs[i]);
}

/* Both orders at once: what element K of input I changes. */
static void
check_element (adze_executable *executable, build_state *b, const problem *p, size_t i, size_t k,
               const double found[2])
{
  static const char *const order[] = { "gradient", "second derivative" };
  const adze_view *outputs[2 + 2 * MOST_INPUTS];
  const double step = 1e-5, x = b->inputs[i].numbers[k];
  double above[2], below[2];
  b->inputs[i].numbers[k] = x + step;
  execute_problem (executable, b, outputs, above);
  b->inputs[i].numbers[k] = x - step;
  execute_problem (executable, b, outputs, below);
  b->inputs[i].numbers[k] = x;
  for (size_t n = 0; n < 2; n++) {
    double slope = (above[n] - below[n]) / (2 * step);
    if (!(fabs (slope - found[n]) <= 2e-7 * (1 + fabs (slope))))
      fail_msg ("%s (%s) %s: %s of input %zu at %zu is %.10g, and the slope %.10g", p->op,
                p->inputs, p->attributes, order[n], i, k, found[n], slope);
  }
}

static inline void
note_checked (const char *op)
{
  char name[32];
  snprintf (name, sizeof name, "%.*s", (int)strcspn (op, ":"), op);
  bool ours = strncmp (name, "adze.", 5) == 0;
  const adze_gradient_rule *rule
      = adze_gradient_rule_find (ours ? "adze" : "", ours ? name + 5 : name);
  if (!rule)
    fail_msg ("%s has no rule", op);
  for (size_t i = 0; i < checked_count; i++)
    if (checked[i] == rule)
      return;
  assert_true (checked_count < ADZE_COUNT_OF (checked));
  checked[checked_count++] = rule;
}

/* B has a graph and its loss; frees them. */
static void
check_built (engine *e, build_state *b, const problem *p)
{
  const adze_view *outputs[2 + 2 * MOST_INPUTS];
  double found[2][MOST_INPUTS][MOST_ELEMENTS], sums[2];
  differentiate_twice (b);
  adze_executable *executable = compile_on (e, b->graph);
  execute_problem (executable, b, outputs, sums);
  for (size_t n = 0; n < 2; n++)
    for (size_t i = 0; i < b->input_count; i++) {
      const adze_view *gradient = outputs[2 + n * b->input_count + i];
      assert_int_equal (adze_view_count (gradient), b->inputs[i].count);
      assert_int_equal (gradient->rank, b->inputs[i].rank);
      memcpy (found[n][i], adze_view_data (gradient), b->inputs[i].count * sizeof (double));
    }
  for (size_t i = 0; i < b->input_count; i++)
    for (size_t k = 0; k < b->inputs[i].count; k++)
      check_element (executable, b, p, i, k, (double[]){ found[0][i][k], found[1][i][k] });
  adze_executable_free (executable);
  adze_graph_free (b->graph);
  note_checked (p->op);
}

static inline void
check_all (void **state, const problem *problems, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    build_state b;
    print_message ("%s (%s) %s\n", problems[i].op, problems[i].inputs, problems[i].attributes);
    build_problem (&b, &problems[i]);
    check_built (*state, &b, &problems[i]);
  }
}

#endif

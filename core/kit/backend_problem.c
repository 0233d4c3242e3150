/* SPDX-License-Identifier: Apache-2.0 */
/* kit/backend_problem.c: a row of the table of problems becomes a graph with numbers to go into it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adze/half.h>

#include "artifact/meta.h"
#include "graph/infer.h"
#include "kit/backend_cases.h"

enum { LETTERS = 26, RANK = 8, ATTRIBUTES = 8, INTS = 16, WORD = 32 };

typedef struct attribute_room {
  char name[WORD], word[WORD];
  int64_t ints[INTS];
  float number;
  adze_text text;
} attribute_room;

typedef struct maker {
  const adze_op_case *row;
  adze_op_problem *problem;
  char type;
  unsigned draw;
  uint64_t state; /* of what is drawn */
  int64_t sizes[LETTERS];
  uint32_t operands[ADZE_OP_INPUTS];
  size_t operand_count;
  attribute_room rooms[ATTRIBUTES];
  adze_graph_attribute attributes[ATTRIBUTES];
  size_t attribute_count;
  bool impossible; /* places in a dimension of size 0 */
} maker;

/* One word of a row's inputs. */
typedef struct operand {
  char kind; /* '=', '*', '#', '@', '&', '~', '%', or ' ' */
  char type;
  int64_t below; /* of '@' and '&' */
  int64_t shape[INTS];
  int32_t rank;
} operand;

adze_dtype
adze_op_type (char letter)
{
  switch (letter) {
  case 'f':
    return (adze_dtype){ ADZE_FLOAT, 32, 1 };
  case 'd':
    return (adze_dtype){ ADZE_FLOAT, 64, 1 };
  case 'h':
    return (adze_dtype){ ADZE_FLOAT, 16, 1 };
  case 'b':
    return (adze_dtype){ ADZE_BFLOAT, 16, 1 };
  case 'i':
    return (adze_dtype){ ADZE_INT, 32, 1 };
  case 'l':
    return (adze_dtype){ ADZE_INT, 64, 1 };
  case 'c':
    return (adze_dtype){ ADZE_INT, 8, 1 };
  case 'u':
    return (adze_dtype){ ADZE_UINT, 8, 1 };
  default:
    return (adze_dtype){ ADZE_BOOL, 8, 1 };
  }
}

/* ---- What is drawn: always the same on every machine. */

static uint32_t
draw (maker *m)
{
  m->state = m->state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (uint32_t)(m->state >> 33);
}

static int64_t
draw_below (maker *m, int64_t end)
{
  return (int64_t)(draw (m) % (uint32_t)end);
}

static double
draw_number (maker *m, double low, double high)
{
  return low + (high - low) * ((double)draw (m) + .5) / 2147483648.0;
}

/* The letters that stand for sizes in the row. */
static size_t
letters_of (const adze_op_case *row, char *letters)
{
  size_t count = 0;
  for (const char *at = row->inputs; *at; at++)
    if (*at >= 'a' && *at <= 'z' && at[1] != ':' && !memchr (letters, *at, count))
      letters[count++] = *at;
  /* What stands behind '@' or '&' is a size as well, whatever follows it. */
  for (const char *at = strpbrk (row->inputs, "@&"); at; at = strpbrk (at + 1, "@&"))
    if (at[1] >= 'a' && at[1] <= 'z' && !memchr (letters, at[1], count))
      letters[count++] = at[1];
  return count;
}

/* False: the row has no such case. */
static bool
draw_sizes (maker *m)
{
  static const int64_t odd[] = { 3, 5, 7, 11, 13 };
  char letters[LETTERS];
  size_t count = letters_of (m->row, letters);
  bool sized = m->draw == ADZE_DRAW_ONES || m->draw == ADZE_DRAW_ODD || m->draw == ADZE_DRAW_EMPTY
               || m->draw == ADZE_DRAW_LARGE;
  if (sized && count == 0)
    return false;
  if (m->draw == ADZE_DRAW_SPECIAL && !(m->row->flags & ADZE_OP_INF))
    return false;
  bool is_float = strchr ("fdhb", m->type) != NULL;
  if ((m->draw == ADZE_DRAW_SPECIAL || m->draw == ADZE_DRAW_NAN) && !is_float)
    return false;
  for (size_t i = 0; i < LETTERS; i++)
    m->sizes[i] = m->draw == ADZE_DRAW_ONES  ? 1
                  : m->draw == ADZE_DRAW_ODD ? odd[draw_below (m, ADZE_COUNT_OF (odd))]
                                             : 1 + draw_below (m, 9);
  if (m->draw == ADZE_DRAW_EMPTY)
    m->sizes[letters[draw_below (m, (int64_t)count)] - 'a'] = 0;
  if (m->draw == ADZE_DRAW_LARGE)
    m->sizes[letters[draw_below (m, (int64_t)count)] - 'a'] = 64 + draw_below (m, 33);
  return true;
}

/* ---- Numbers of a value. */

static double
special (maker *m)
{
  static const double odd[] = { INFINITY, -INFINITY, 0.0, -0.0, 1e-42, 3e-8, -3e-8, 1 };
  if (m->draw == ADZE_DRAW_NAN && draw (m) % 2)
    return (double)NAN;
  return m->draw == ADZE_DRAW_NAN ? 1 : odd[draw_below (m, ADZE_COUNT_OF (odd))];
}

static double
number_for (maker *m, const operand *o)
{
  const adze_op_case *row = m->row;
  bool odd = m->draw == ADZE_DRAW_SPECIAL || m->draw == ADZE_DRAW_NAN;
  if (o->kind == '*')
    return 0;
  if (o->kind == '@')
    return (double)(draw_below (m, 2 * o->below) - o->below);
  if (o->kind == '&')
    return (double)draw_below (m, o->below);
  if (strchr ("fdhb", o->type)) {
    if (odd && o->kind == ' ' && draw (m) % 3 == 0)
      return special (m);
    double number = draw_number (m, (double)row->low, (double)row->high);
    return row->flags & ADZE_OP_WHOLE ? rint (number) : number;
  }
  if (o->type == 't')
    return (double)(draw (m) % 2);
  /* From 1 on where the row keeps away from 0, which may divide. */
  int64_t least = row->low > 0 ? 1 : o->type == 'u' || row->low == 0 ? 0 : -9;
  return (double)(least + draw_below (m, 10 - least));
}

static void
put_number (char letter, void *at, size_t index, double number)
{
  float single = (float)number;
  int64_t whole = strchr ("fdhb", letter) ? 0 : (int64_t)number;
  switch (letter) {
  case 'f':
    ((float *)at)[index] = single;
    break;
  case 'd':
    ((double *)at)[index] = number;
    break;
  case 'h':
    adze_half_from_floats ((uint16_t *)at + index, &single, 1);
    break;
  case 'b':
    adze_bfloat_from_floats ((uint16_t *)at + index, &single, 1);
    break;
  case 'i':
    ((int32_t *)at)[index] = (int32_t)whole;
    break;
  case 'l':
    ((int64_t *)at)[index] = whole;
    break;
  case 'c':
    ((int8_t *)at)[index] = (int8_t)whole;
    break;
  default:
    ((uint8_t *)at)[index] = (uint8_t)whole;
    break;
  }
}

/* VIEW's data and shape are to be freed. */
static adze_error *
draw_view (maker *m, const operand *o, adze_view *view)
{
  *view = (adze_view){ .device = { ADZE_DEVICE_CPU, 0 }, .rank = o->rank,
                       .dtype = adze_op_type (o->type) };
  view->shape = calloc ((size_t)o->rank + 1, sizeof *view->shape);
  if (!view->shape)
    return adze_error_memory ();
  for (int32_t d = 0; d < o->rank; d++)
    view->shape[d] = o->shape[d];
  size_t count = adze_view_count (view);
  view->data = calloc (count + 1, 8);
  if (!view->data)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    put_number (o->type, view->data, i, number_for (m, o));
  return NULL;
}

static void
free_view (adze_view *view)
{
  free (view->data);
  free (view->shape);
}

/* ---- Values of the graph. */

static adze_error *
add_input (maker *m, const operand *o, uint32_t *value)
{
  adze_op_problem *p = m->problem;
  char name[WORD];
  if (p->input_count == ADZE_OP_INPUTS)
    return adze_error_new (ADZE_E_INTERNAL, "the row of %s has too many inputs", m->row->op);
  snprintf (name, sizeof name, "x%zu", p->input_count);
  ADZE_TRY (draw_view (m, o, &p->inputs[p->input_count++]));
  return adze_graph_add_input (p->graph, name, adze_op_type (o->type), o->rank, o->shape, value);
}

static adze_error *
add_constant (maker *m, const operand *o, uint32_t *value)
{
  adze_view view;
  adze_error *error = draw_view (m, o, &view);
  if (!error)
    error = adze_graph_add_constant (m->problem->graph, NULL, &view, value);
  free_view (&view);
  return error;
}

static adze_error *
add_wholes (maker *m, operand *o, uint32_t *value)
{
  int64_t count = o->rank;
  const adze_view view = { .data = o->shape, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                           .dtype = { ADZE_INT, 64, 1 }, .shape = &count };
  return adze_graph_add_constant (m->problem->graph, NULL, &view, value);
}

/* ---- Words. */

static int64_t
read_number (const char **at)
{
  int64_t sign = **at == '-' ? -1 : 1, number = 0;
  *at += sign < 0;
  for (; **at >= '0' && **at <= '9'; ++*at)
    number = number * 10 + (**at - '0');
  return sign * number;
}

static void
read_operand (maker *m, const char **at, operand *o)
{
  *o = (operand){ .kind = ' ', .type = m->type };
  if (strchr ("=*#@&~%", **at))
    o->kind = *(*at)++;
  if (o->kind == '@' || o->kind == '&') {
    o->below = m->sizes[**at - 'a'];
    o->type = 'l';
    m->impossible = o->below == 0;
    *at += 2;
  } else if (**at >= 'a' && **at <= 'z' && (*at)[1] == ':') {
    o->type = **at;
    *at += 2;
  }
  for (; **at && **at != ' '; *at += **at == ',') {
    if (**at == '.')
      ++*at;
    else if (**at >= 'a' && **at <= 'z')
      o->shape[o->rank++] = m->sizes[*(*at)++ - 'a'];
    else
      o->shape[o->rank++] = read_number (at);
  }
}

static adze_error *
read_operands (maker *m)
{
  for (const char *at = m->row->inputs; *at; at += *at == ' ') {
    operand o;
    uint32_t *value = &m->operands[m->operand_count++];
    *value = ADZE_NONE;
    read_operand (m, &at, &o);
    if (m->impossible)
      return NULL;
    if (o.kind == '#')
      ADZE_TRY (add_wholes (m, &o, value));
    else if (o.kind == '=' || o.kind == '*')
      ADZE_TRY (add_constant (m, &o, value));
    else if (o.kind == '%')
      *value = value[-1];
    else if (o.kind != '~')
      ADZE_TRY (add_input (m, &o, value));
  }
  return NULL;
}

static const char *
read_attribute (const char *at, attribute_room *room, adze_graph_attribute *attribute)
{
  size_t size = strcspn (at, "="), length = strcspn (at + size + 1, " "), count = 0;
  const char *value = at + size + 1, *end = value + length;
  char first = *value | 32;
  snprintf (room->name, sizeof room->name, "%.*s", (int)size, at);
  if (first >= 'a' && first <= 'z') {
    snprintf (room->word, sizeof room->word, "%.*s", (int)length, value);
    room->text = (adze_text){ room->word, length };
    *attribute = adze_attribute_text (room->name, &room->text);
  } else if (memchr (value, '.', length)) {
    room->number = strtof (value, NULL);
    *attribute = adze_attribute_float (room->name, &room->number);
  } else {
    for (const char *from = value; from < end; from += *from == ',')
      room->ints[count++] = read_number (&from);
    *attribute = memchr (value, ',', length)
                     ? adze_attribute_ints (room->name, room->ints, count)
                     : adze_attribute_int (room->name, room->ints);
  }
  return end + (*end == ' ');
}

/* ---- Nodes. */

static adze_error *
add_node (maker *m, const char *op, const uint32_t *inputs, size_t count, uint32_t *output)
{
  adze_graph *graph = m->problem->graph;
  bool ours = strncmp (op, "adze.", 5) == 0;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .domain = ours ? "adze" : "",
                                    .op = ours ? op + 5 : op,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .output_count = strcmp (op, "DynamicQuantizeLinear") ? 1 : 3,
                                    .attributes = m->attributes,
                                    .attribute_count = m->attribute_count };
  uint32_t outputs[3];
  ADZE_TRY (adze_graph_add_node (graph, &recipe, outputs));
  *output = outputs[0];
  return adze_graph_infer_node (graph,
                                adze_graph_node_at (graph, adze_graph_node_count (graph) - 1));
}

/* The gradient's first input has the shape of what the operator makes, which is added to learn it and
 * removed again. */
static adze_error *
add_gradient (maker *m, uint32_t *output)
{
  adze_op_problem *p = m->problem;
  unsigned flags = m->row->flags;
  const char *forward = flags & ADZE_OP_OF_MEAN   ? "AveragePool"
                        : flags & ADZE_OP_OF_MOST ? "MaxPool"
                                                  : "Conv";
  uint32_t made, slope;
  operand o = { .kind = ' ', .type = m->type };
  ADZE_TRY (add_node (m, forward, m->operands, m->operand_count, &made));
  const adze_graph_value *value = adze_graph_value_at (p->graph, made);
  o.rank = value->rank;
  for (int32_t d = 0; d < value->rank; d++)
    o.shape[d] = value->shape[d];
  adze_graph_remove_node (p->graph, value->node);
  ADZE_TRY (add_input (m, &o, &slope));
  bool of_weight = flags & ADZE_OP_OF_WEIGHT;
  const uint32_t inputs[] = { slope, m->operands[flags & ADZE_OP_OF_INPUT ? 1 : 0],
                              m->operands[of_weight ? 1 : 0] };
  return add_node (m, m->row->op, inputs, m->operand_count + 1, output);
}

/* The gradient of weights adds over all positions of all images, whatever the sizes of the weights. */
static double
added_of (const maker *m, uint32_t output)
{
  const adze_op_problem *p = m->problem;
  const adze_graph_value *made = adze_graph_value_at (p->graph, output);
  double most = fmax (fabs ((double)m->row->low), fabs ((double)m->row->high));
  double each = 1;
  if (m->row->flags & ADZE_OP_OF_WEIGHT) {
    const adze_view *slope = &p->inputs[p->input_count - 1];
    return (double)adze_view_count (slope) / fmax (1, (double)slope->shape[1]) * most * most;
  }
  for (int32_t d = 0; d < made->rank; d++)
    each *= fmax (1, (double)made->shape[d]);
  return m->row->flags & ADZE_OP_SUM ? (double)adze_view_count (&p->inputs[0]) / each * most : 0;
}

static adze_error *
make (maker *m)
{
  uint32_t output;
  ADZE_TRY (adze_graph_new (m->row->op, &m->problem->graph));
  for (const char *at = m->row->attributes; *at; m->attribute_count++)
    at = read_attribute (at, &m->rooms[m->attribute_count], &m->attributes[m->attribute_count]);
  ADZE_TRY (read_operands (m));
  if (m->impossible)
    return NULL;
  const unsigned gradients
      = ADZE_OP_OF_INPUT | ADZE_OP_OF_WEIGHT | ADZE_OP_OF_MEAN | ADZE_OP_OF_MOST;
  if (m->row->flags & gradients)
    ADZE_TRY (add_gradient (m, &output));
  else
    ADZE_TRY (add_node (m, m->row->op, m->operands, m->operand_count, &output));
  m->problem->added = added_of (m, output);
  return adze_graph_add_output (m->problem->graph, output);
}

adze_error *
adze_op_problem_make (const adze_op_case *row, char type, unsigned how, uint64_t seed,
                      adze_op_problem *problem, bool *applies)
{
  maker m = { .row = row, .problem = problem, .type = type,
              .draw = how < ADZE_DRAW_ANY ? how : ADZE_DRAW_ANY };
  m.state = (seed + 1) * UINT64_C (0x9e3779b97f4a7c15) + how * 7919u + (unsigned char)type;
  for (const char *at = row->op; *at; at++)
    m.state = m.state * 31 + (unsigned char)*at;
  *problem = (adze_op_problem){ 0 };
  *applies = draw_sizes (&m);
  if (!*applies)
    return NULL;
  adze_error *error = make (&m);
  *applies = !error && !m.impossible;
  if (!*applies)
    adze_op_problem_cleanup (problem);
  return error;
}

void
adze_op_problem_cleanup (adze_op_problem *problem)
{
  for (size_t i = 0; i < problem->input_count; i++)
    free_view (&problem->inputs[i]);
  adze_graph_free (problem->graph);
  *problem = (adze_op_problem){ 0 };
}

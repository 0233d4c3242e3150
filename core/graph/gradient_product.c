/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_product.c: gradients of products of matrices, and of Einsum. */
#include "graph/gradient_words.h"

/* ---- Of two matrices. */

static uint32_t
swapped (adze_gradient *g, uint32_t matrix)
{
  int64_t order[ADZE_GRAPH_RANK];
  if (g->error)
    return ADZE_NONE;
  int32_t rank = g->graph->values[matrix]->rank;
  for (int32_t i = 0; i < rank; i++)
    order[i] = i;
  order[rank - 1] = rank - 2;
  order[rank - 2] = rank - 1;
  adze_graph_attribute perm = adze_attribute_ints ("perm", order, (size_t)rank);
  return adze_op_with (g, "", "Transpose", &matrix, 1, &perm, 1);
}

static uint32_t
with_axis (adze_gradient *g, const char *op, uint32_t value, int64_t axis)
{
  return adze_op (g, op, value, adze_op_ints (g, &axis, 1), ADZE_END);
}

/* Vectors are matrices of one row or one column for as long as it takes. */
static void
matmul_rule (adze_gradient *g)
{
  uint32_t a = in (g, 0), b = in (g, 1), gradient = g->given[0];
  int32_t rank_a = g->graph->values[a]->rank, rank_b = g->graph->values[b]->rank;
  if (rank_a < 1 || rank_b < 1) {
    adze_gradient_refuse (g, "the ranks of its inputs are not known");
    return;
  }
  if (rank_a == 1)
    gradient = with_axis (g, "Unsqueeze", gradient, rank_b == 1 ? 0 : -2);
  if (rank_b == 1)
    gradient = with_axis (g, "Unsqueeze", gradient, -1);
  uint32_t left = rank_a == 1 ? with_axis (g, "Unsqueeze", a, 0) : a;
  uint32_t right = rank_b == 1 ? with_axis (g, "Unsqueeze", b, -1) : b;
  if (g->wanted[0]) {
    uint32_t made = adze_op (g, "MatMul", gradient, swapped (g, right), ADZE_END);
    adze_give_gradient (g, 0, rank_a == 1 ? with_axis (g, "Squeeze", made, -2) : made);
  }
  if (g->wanted[1]) {
    uint32_t made = adze_op (g, "MatMul", swapped (g, left), gradient, ADZE_END);
    adze_give_gradient (g, 1, rank_b == 1 ? with_axis (g, "Squeeze", made, -1) : made);
  }
}

/* alpha op(A) op(B): which operands a Gemm needs for the gradient of one of them. */
static uint32_t
gemm (adze_gradient *g, uint32_t a, uint32_t b, bool turn_a, bool turn_b)
{
  float alpha = adze_node_float (g->node, "alpha", 1);
  int64_t first = turn_a, second = turn_b;
  const adze_graph_attribute attributes[]
      = { adze_attribute_float ("alpha", &alpha), adze_attribute_int ("transA", &first),
          adze_attribute_int ("transB", &second) };
  const uint32_t inputs[] = { a, b };
  return adze_op_with (g, "", "Gemm", inputs, 2, attributes, ADZE_COUNT_OF (attributes));
}

static void
gemm_rule (adze_gradient *g)
{
  bool turn_a = adze_node_int (g->node, "transA", 0), turn_b = adze_node_int (g->node, "transB", 0);
  uint32_t a = in (g, 0), b = in (g, 1), y = g->given[0];
  if (g->wanted[0])
    adze_give_gradient (g, 0, turn_a ? gemm (g, b, y, turn_b, true) : gemm (g, y, b, false, !turn_b));
  if (g->wanted[1])
    adze_give_gradient (g, 1, turn_b ? gemm (g, y, a, true, turn_a) : gemm (g, a, y, !turn_a, false));
  if (in (g, 2) != ADZE_NONE && g->wanted[2]) {
    float beta = adze_node_float (g->node, "beta", 1);
    adze_give_gradient (g, 2, beta == 1.0f ? y : mul (g, y, number (g, beta)));
  }
}

/* ---- Einsum: linear in each input, so that each gradient is an Einsum of what is given and of the
 * other inputs. Two kinds of operand come to it: ones, for a letter that the input alone has and that
 * was summed up, and an identity, for a letter that comes twice in the input. */

enum { OPERANDS = 16, TERM = 64 };

typedef struct equation {
  size_t count;
  char term[OPERANDS][TERM], result[TERM];
} equation;

typedef struct sum {
  size_t count;
  uint32_t inputs[OPERANDS];
  char terms[OPERANDS * TERM]; /* with a comma behind each */
  char letters[OPERANDS * TERM + TERM]; /* all that there are, somewhere */
} sum;

static bool
is_letter (char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Up to a comma, an arrow or the end, without spaces; NULL: too long. */
static const char *
read_term (const char *at, char *into)
{
  size_t size = 0;
  for (; *at && *at != ',' && *at != '-'; at++)
    if (*at != ' ') {
      if (size + 1 >= TERM)
        return NULL;
      into[size++] = *at;
    }
  into[size] = 0;
  return at;
}

static size_t
times (const equation *e, char letter)
{
  size_t count = 0;
  for (size_t i = 0; i < e->count; i++)
    for (const char *at = e->term[i]; *at; at++)
      count += *at == letter;
  return count;
}

/* What is not said: what an ellipsis stands for, then the letters that come once, in their order. */
static void
unsaid_result (equation *e)
{
  bool dots = false;
  size_t size = 0;
  for (size_t i = 0; i < e->count; i++)
    dots = dots || strchr (e->term[i], '.');
  if (dots) {
    memcpy (e->result, "...", 3);
    size = 3;
  }
  for (char letter = 'A'; letter <= 'z'; letter++)
    if (is_letter (letter) && times (e, letter) == 1 && size + 1 < TERM)
      e->result[size++] = letter;
  e->result[size] = 0;
}

static bool
read_equation (const adze_gradient *g, equation *e)
{
  const char *at = adze_node_text (g->node, "equation", "");
  e->count = g->node->input_count;
  if (e->count > OPERANDS)
    return false;
  for (size_t i = 0; i < e->count; i++) {
    at = read_term (at, e->term[i]);
    if (!at)
      return false;
    at += *at == ',';
  }
  if (*at != '-') {
    unsaid_result (e);
    return true;
  }
  return at[1] == '>' && read_term (at + 2, e->result);
}

static void
operand (sum *s, uint32_t value, const char *term)
{
  size_t size = strlen (s->terms);
  if (s->count < OPERANDS) {
    s->inputs[s->count] = value;
    snprintf (s->terms + size, sizeof s->terms - size, "%s,", term);
  }
  s->count++; /* beyond OPERANDS: refused later */
}

/* How long the dimension is that character AT of the input's term stands for; dots in front of it. */
static uint32_t
length_of (adze_gradient *g, uint32_t value, const char *term, size_t at)
{
  int64_t place = 0, end;
  for (size_t i = 0; i < at; i++)
    place += is_letter (term[i]);
  if (memchr (term, '.', at))
    for (place = 0; term[at]; at++) /* counted from the end */
      place -= is_letter (term[at]);
  end = place == -1 ? INT64_MAX : place + 1;
  return adze_op (g, "Slice", unary (g, "Shape", value), adze_op_ints (g, &place, 1),
                  adze_op_ints (g, &end, 1), ADZE_END);
}

static uint32_t
ones (adze_gradient *g, uint32_t length)
{
  return adze_op (g, "Expand", number (g, 1), length, ADZE_END);
}

static uint32_t
identity (adze_gradient *g, uint32_t length)
{
  const int64_t first = 0;
  const uint32_t twice[] = { length, length };
  const adze_graph_attribute axis = adze_attribute_int ("axis", &first);
  return unary (g, "EyeLike", ones (g, adze_op_with (g, "", "Concat", twice, 2, &axis, 1)));
}

static char
unused_letter (sum *s)
{
  char more[2] = { 0 };
  for (more[0] = 'A'; more[0] <= 'z'; more[0]++)
    if (is_letter (more[0]) && !strchr (s->letters, more[0])) {
      strcat (s->letters, more);
      break;
    }
  return more[0];
}

/* The term of input INDEX with each letter once, and the operands that this takes. */
static void
target_of (adze_gradient *g, const equation *e, size_t index, sum *s, char *target)
{
  const char *term = e->term[index];
  uint32_t value = in (g, index);
  for (size_t at = 0; term[at]; at++) {
    char pair[3] = { term[at] };
    target[at] = term[at];
    if (!is_letter (term[at]))
      continue;
    bool again = memchr (term, term[at], at) != NULL;
    bool elsewhere = strchr (s->terms, term[at]) != NULL;
    if (again) {
      pair[1] = target[at] = unused_letter (s);
      operand (s, identity (g, length_of (g, value, term, at)), pair);
    } else if (!elsewhere)
      operand (s, ones (g, length_of (g, value, term, at)), pair);
  }
  target[strlen (term)] = 0;
}

/* How many dimensions the ellipsis of input INDEX stands for. */
static int32_t
dots_of (const adze_gradient *g, const equation *e, size_t index)
{
  const char *term = e->term[index];
  return strchr (term, '.')
             ? g->graph->values[in (g, index)]->rank - (int32_t)(strlen (term) - 3)
             : 0;
}

/* What is made for an ellipsis can be summed up to that of the input in front, or where it is as long
 * as any. */
static bool
dots_fit (const adze_gradient *g, const equation *e, size_t index)
{
  const char *term = e->term[index];
  bool longest = true;
  for (size_t i = 0; i < e->count; i++)
    longest = longest && dots_of (g, e, i) <= dots_of (g, e, index);
  return !strchr (term, '.') || term[0] == '.' || longest;
}

/* An ellipsis that was summed up comes back by ones, as a letter does. */
static void
dots_back (adze_gradient *g, const equation *e, size_t index, sum *s)
{
  const char *term = e->term[index], *dots = strchr (term, '.');
  const int64_t count = dots_of (g, e, index);
  if (!dots || count == 0 || strchr (e->result, '.'))
    return;
  const int64_t first = dots - term, end = first + count;
  operand (s, ones (g, adze_op (g, "Slice", unary (g, "Shape", in (g, index)),
                                adze_op_ints (g, &first, 1), adze_op_ints (g, &end, 1), ADZE_END)),
           "...");
}

static void
einsum_gradient (adze_gradient *g, const equation *e, size_t index)
{
  sum s = { 0 };
  char target[TERM], text[sizeof s.terms + TERM + 2];
  if (!dots_fit (g, e, index)) {
    adze_gradient_refuse (g, "an ellipsis is not in front, and is stretched to a longer one");
    return;
  }
  for (size_t i = 0; i < e->count; i++)
    strcat (s.letters, e->term[i]);
  operand (&s, g->given[0], e->result);
  for (size_t i = 0; i < e->count; i++)
    if (i != index)
      operand (&s, in (g, i), e->term[i]);
  dots_back (g, e, index, &s);
  target_of (g, e, index, &s, target);
  if (s.count > OPERANDS) {
    adze_gradient_refuse (g, "its gradient takes more than 16 operands");
    return;
  }
  s.terms[strlen (s.terms) - 1] = 0; /* the last comma */
  snprintf (text, sizeof text, "%s->%s", s.terms, target);
  const adze_text whole = { text, strlen (text) };
  const adze_graph_attribute attribute = adze_attribute_text ("equation", &whole);
  adze_give_gradient (g, index, adze_op_with (g, "", "Einsum", s.inputs, s.count, &attribute, 1));
}

static void
einsum_rule (adze_gradient *g)
{
  equation e;
  if (!read_equation (g, &e)) {
    adze_gradient_refuse (g, "its equation is longer than can be worked with");
    return;
  }
  for (size_t i = 0; i < e.count && !g->error; i++)
    if (g->wanted[i])
      einsum_gradient (g, &e, i);
}

const adze_gradient_rule adze_gradients_product[] = {
  { "", "MatMul", matmul_rule },
  { "", "Gemm", gemm_rule },
  { "", "Einsum", einsum_rule },
  { NULL, NULL, NULL },
};

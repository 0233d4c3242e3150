/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_math.c: types and shapes of elementwise operators, reductions and products. */
#include <string.h>

#include "graph/infer.h"

/* ---- Elementwise. */

adze_error *
adze_rule_as_input (adze_infer *infer)
{
  adze_infer_shape_like (infer, 0, 0);
  return NULL;
}

adze_error *
adze_rule_stretched (adze_infer *infer)
{
  return adze_infer_broadcast (infer, 0, 0, infer->input_count);
}

/* A limit is a single number; lists of one are met in old models. */
static adze_error *
clip (adze_infer *infer)
{
  for (size_t i = 1; i < infer->input_count; i++)
    if (adze_infer_has_rank (infer, i)) {
      int64_t count = adze_infer_count (&infer->inputs[i]);
      if (count >= 0 && count != 1)
        return adze_infer_refuse (infer, "input %zu has %lld elements; a limit is a single number",
                                  i, (long long)count);
    }
  return adze_rule_as_input (infer);
}

static adze_error *
bit_shift (adze_infer *infer)
{
  int direction;
  ADZE_TRY (adze_infer_choice (infer, "direction", "LEFT|RIGHT", 0, &direction));
  return adze_rule_stretched (infer);
}

static adze_error *
mod (adze_infer *infer)
{
  const adze_infer_value *in = adze_infer_in (infer, 0);
  bool real = adze_infer_set_of (in->dtype) & ADZE_T_REAL;
  if (real && adze_node_int (infer->node, "fmod", 0) != 1)
    return adze_infer_refuse (infer, "attribute 'fmod' must be 1 for floats, which input 0 is of");
  return adze_rule_stretched (infer);
}

static adze_error *
prelu (adze_infer *infer)
{
  if (adze_infer_has_rank (infer, 0))
    ADZE_TRY (adze_infer_one_way (infer, 1, infer->inputs[0].rank, infer->inputs[0].shape));
  return adze_rule_as_input (infer);
}

/* Softmax and its like: the axis must be there. */
static adze_error *
along_axis (adze_infer *infer)
{
  int32_t axis;
  if (adze_infer_has_rank (infer, 0) && infer->inputs[0].rank > 0)
    ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", -1),
                               infer->inputs[0].rank, &axis));
  return adze_rule_as_input (infer);
}

static adze_error *
lp_normalization (adze_infer *infer)
{
  int64_t p = adze_node_int (infer->node, "p", 2);
  if (p != 1 && p != 2)
    return adze_infer_refuse (infer, "attribute 'p' is %lld; it can be 1 or 2", (long long)p);
  return along_axis (infer);
}

static adze_error *
cumulative (adze_infer *infer)
{
  int64_t axis[ADZE_INFER_INTS], length;
  size_t count;
  int32_t place;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (length >= 0 && length != 1)
    return adze_infer_refuse (infer, "input 1 has %lld elements; the axis is a single number",
                              (long long)length);
  if (adze_infer_has_rank (infer, 0) && adze_infer_ints (infer, 1, axis, &count) && count == 1)
    ADZE_TRY (adze_infer_axis (infer, axis[0], infer->inputs[0].rank, &place));
  return adze_rule_as_input (infer);
}

/* ---- Reductions. */

/* The shape without the dimensions that are marked. */
static adze_error *
reduced (adze_infer *infer, const bool *marked, bool keep)
{
  const adze_infer_value *in = &infer->inputs[0];
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  for (int32_t d = 0; d < in->rank; d++)
    if (!marked[d] || keep)
      shape[rank++] = marked[d] ? 1 : in->shape[d];
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
reduce_axes (adze_infer *infer, const int64_t *axes, size_t count)
{
  bool marked[ADZE_GRAPH_RANK];
  bool keep = adze_node_int (infer->node, "keepdims", 1) != 0;
  int32_t rank = infer->inputs[0].rank;
  ADZE_TRY (adze_infer_axes (infer, axes, count, rank, marked));
  bool nothing = adze_node_int (infer->node, "noop_with_empty_axes", 0) != 0;
  for (int32_t d = 0; count == 0 && !nothing && d < rank; d++)
    marked[d] = true;
  return reduced (infer, marked, keep);
}

static adze_error *
reduce (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  size_t count;
  const int64_t *axes = adze_node_ints (infer->node, "axes", &count);
  return reduce_axes (infer, axes, count);
}

/* Axes are numbers of an input. */
static adze_error *
reduce_sum (adze_infer *infer)
{
  int64_t axes[ADZE_INFER_INTS], length;
  size_t count = 0;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  if (!adze_infer_in (infer, 1) || adze_infer_ints (infer, 1, axes, &count))
    return reduce_axes (infer, axes, count);
  int32_t rank = infer->inputs[0].rank;
  if (length > rank)
    return adze_infer_refuse (infer, "input 1 names %lld axes, and there are %d", (long long)length,
                              rank);
  if (adze_node_int (infer->node, "keepdims", 1) != 0)
    adze_infer_rank (infer, 0, rank);
  else if (length > 0)
    adze_infer_rank (infer, 0, rank - (int32_t)length);
  return NULL;
}

static adze_error *
arg_most (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  bool marked[ADZE_GRAPH_RANK];
  int64_t axis = adze_node_int (infer->node, "axis", 0);
  ADZE_TRY (adze_infer_axes (infer, &axis, 1, infer->inputs[0].rank, marked));
  return reduced (infer, marked, adze_node_int (infer->node, "keepdims", 1) != 0);
}

/* ---- Products. */

adze_error *
adze_infer_product (adze_infer *infer, size_t a, size_t b)
{
  ADZE_TRY (adze_infer_need_rank (infer, a, 1, ADZE_GRAPH_RANK));
  ADZE_TRY (adze_infer_need_rank (infer, b, 1, ADZE_GRAPH_RANK));
  if (!adze_infer_has_rank (infer, a) || !adze_infer_has_rank (infer, b))
    return NULL;
  const adze_infer_value *left = &infer->inputs[a], *right = &infer->inputs[b];
  int32_t rows = left->rank - 2, inner = right->rank > 1 ? right->rank - 2 : 0;
  int64_t shape[ADZE_GRAPH_RANK], same;
  int32_t rank;
  ADZE_TRY (adze_infer_same (infer, left->shape[left->rank - 1], right->shape[inner],
                             "the dimension that is summed over", &same));
  ADZE_TRY (adze_infer_stretch (infer, rows > 0 ? rows : 0, left->shape, inner, right->shape, &rank,
                                shape));
  ADZE_TRY (adze_infer_fits (infer, rank + (left->rank > 1) + (right->rank > 1)));
  if (left->rank > 1)
    shape[rank++] = left->shape[left->rank - 2];
  if (right->rank > 1)
    shape[rank++] = right->shape[right->rank - 1];
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

static adze_error *
mat_mul (adze_infer *infer)
{
  return adze_infer_product (infer, 0, 1);
}

/* A zero point is a number, or one a row of A or a column of B. */
static adze_error *
mat_mul_integer (adze_infer *infer)
{
  ADZE_TRY (adze_infer_product (infer, 0, 1));
  for (size_t i = 2; i < infer->input_count; i++) {
    if (!adze_infer_has_rank (infer, i) || !adze_infer_has_rank (infer, i - 2))
      continue;
    const adze_infer_value *zero = &infer->inputs[i], *matrix = &infer->inputs[i - 2];
    int64_t count = adze_infer_count (zero);
    int32_t place = matrix->rank - (i == 2 ? 2 : 1);
    int64_t lines = place >= 0 ? matrix->shape[place] : 1;
    if (zero->rank < 2 && count >= 0 && lines >= 0 && count != 1 && count != lines)
      return adze_infer_refuse (infer, "input %zu has %lld zero points; 1 or %lld are needed", i,
                                (long long)count, (long long)lines);
  }
  return NULL;
}

static adze_error *
q_linear_mat_mul (adze_infer *infer)
{
  return adze_infer_product (infer, 0, 3);
}

static adze_error *
gemm (adze_infer *infer)
{
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, 2));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 2, 2));
  ADZE_TRY (adze_infer_need_rank (infer, 2, 0, 2));
  if (!adze_infer_has_rank (infer, 0) || !adze_infer_has_rank (infer, 1))
    return NULL;
  bool turn_a = adze_node_int (infer->node, "transA", 0) != 0;
  bool turn_b = adze_node_int (infer->node, "transB", 0) != 0;
  const int64_t *a = infer->inputs[0].shape, *b = infer->inputs[1].shape;
  int64_t shape[2] = { a[turn_a], b[!turn_b] }, same;
  ADZE_TRY (adze_infer_same (infer, a[!turn_a], b[turn_b], "the dimension that is summed over",
                             &same));
  ADZE_TRY (adze_infer_one_way (infer, 2, 2, shape));
  adze_infer_shape (infer, 0, 2, shape);
  return NULL;
}

static adze_error *
determinant (adze_infer *infer)
{
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t same;
  ADZE_TRY (adze_infer_same (infer, in->shape[in->rank - 2], in->shape[in->rank - 1],
                             "the side of a square", &same));
  adze_infer_shape (infer, 0, in->rank - 2, in->shape);
  return NULL;
}

static adze_error *
upper_lower (adze_infer *infer)
{
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 0, 1));
  return adze_rule_as_input (infer);
}

/* ---- Einsum. */

enum { LETTERS = 52, DOTS = -1 };

/* What the equation has come to mean. */
typedef struct equation {
  int64_t size[LETTERS];
  uint8_t seen[LETTERS]; /* how often, over all terms */
  bool dots;
  int32_t rank; /* of what the dots stand for */
  int64_t shape[ADZE_GRAPH_RANK];
} equation;

/* The next letter at *TEXT, as a number from 0 in the order of the alphabet, or DOTS; false: the
 * term ends there. */
static bool
next_letter (const char **text, int *letter)
{
  while (**text == ' ')
    ++*text;
  char c = **text;
  if (c >= 'A' && c <= 'Z')
    *letter = c - 'A';
  else if (c >= 'a' && c <= 'z')
    *letter = 26 + c - 'a';
  else if (strncmp (*text, "...", 3) == 0)
    *letter = DOTS;
  else
    return false;
  *text += *letter == DOTS ? 3 : 1;
  return true;
}

static adze_error *
take_letter (const adze_infer *infer, equation *known, int letter, int64_t size)
{
  if (known->seen[letter])
    ADZE_TRY (adze_infer_same (infer, known->size[letter], size, "a dimension of one letter",
                               &size));
  known->size[letter] = size;
  if (known->seen[letter] < UINT8_MAX)
    known->seen[letter]++;
  return NULL;
}

/* One term against the input that it stands for. */
static adze_error *
take_term (const adze_infer *infer, equation *known, size_t input, const char **text)
{
  const adze_infer_value *in = &infer->inputs[input];
  const char *start = *text;
  int letter;
  int32_t letters = 0, dots = 0, at = 0;
  while (next_letter (text, &letter))
    *(letter == DOTS ? &dots : &letters) += 1;
  int32_t rest = in->rank - letters;
  if (dots > 1 || rest < 0 || (!dots && rest != 0))
    return adze_infer_refuse (infer, "attribute 'equation' has %d letters for input %zu, which has "
                              "%d dimensions", letters, input, in->rank);
  while (next_letter (&start, &letter)) {
    if (letter != DOTS) {
      ADZE_TRY (take_letter (infer, known, letter, in->shape[at++]));
      continue;
    }
    known->dots = true;
    ADZE_TRY (adze_infer_stretch (infer, known->rank, known->shape, rest, in->shape + at,
                                  &known->rank, known->shape));
    at += rest;
  }
  return NULL;
}

static adze_error *
give_letters (adze_infer *infer, const equation *known, const char *text, int64_t *shape,
              int32_t *rank)
{
  bool used[LETTERS] = { false }, dots = false;
  int letter;
  while (next_letter (&text, &letter)) {
    bool again = letter == DOTS ? dots : used[letter];
    bool missing = letter == DOTS ? !known->dots : !known->seen[letter];
    if (again || missing)
      return adze_infer_refuse (infer, "attribute 'equation' gives a letter that %s",
                                again ? "it gives already" : "no input has");
    *(letter == DOTS ? &dots : &used[letter]) = true;
    ADZE_TRY (adze_infer_fits (infer, *rank + (letter == DOTS ? known->rank : 1)));
    for (int32_t d = 0; letter == DOTS && d < known->rank; d++)
      shape[(*rank)++] = known->shape[d];
    if (letter != DOTS)
      shape[(*rank)++] = known->size[letter];
  }
  return *text ? adze_infer_refuse (infer, "attribute 'equation' has '%.20s' in its result", text)
               : NULL;
}

/* No result is given: all letters that come once, by the alphabet. */
static adze_error *
give_single (adze_infer *infer, const equation *known, int64_t *shape, int32_t *rank)
{
  for (int32_t d = 0; d < known->rank; d++)
    shape[(*rank)++] = known->shape[d];
  for (int letter = 0; letter < LETTERS; letter++)
    if (known->seen[letter] == 1) {
      ADZE_TRY (adze_infer_fits (infer, *rank + 1));
      shape[(*rank)++] = known->size[letter];
    }
  return NULL;
}

static adze_error *
einsum (adze_infer *infer)
{
  const char *text = adze_node_text (infer->node, "equation", "");
  equation known = { .rank = 0 };
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  for (size_t i = 0; i < infer->input_count; i++)
    if (!adze_infer_has_rank (infer, i))
      return NULL;
  for (size_t i = 0; i < infer->input_count; i++) {
    ADZE_TRY (take_term (infer, &known, i, &text));
    bool last = i + 1 == infer->input_count;
    if ((*text == ',') == last || (last && *text && strncmp (text, "->", 2) != 0))
      return adze_infer_refuse (infer, "attribute 'equation' does not have one term for each of "
                                "%zu inputs, or has other signs than letters: '%.20s'",
                                infer->input_count, text);
    text += *text == ',';
  }
  if (*text)
    ADZE_TRY (give_letters (infer, &known, text + 2, shape, &rank));
  else
    ADZE_TRY (give_single (infer, &known, shape, &rank));
  adze_infer_shape (infer, 0, rank, shape);
  return NULL;
}

/* ---- */

#define AXES "axes:I keepdims:i"

static adze_error *
sum_to (adze_infer *infer)
{
  if (adze_infer_has_rank (infer, 1))
    adze_infer_shape (infer, 0, infer->inputs[1].rank, infer->inputs[1].shape);
  return NULL;
}

const adze_operator adze_operators_math[] = {
  { "", "Abs", 1, 1, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", adze_rule_as_input },
  { "", "Erf", 1, 1, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", adze_rule_as_input },
  { "", "Sign", 1, 1, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", adze_rule_as_input },
  { "", "Acos", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Acosh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Asin", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Asinh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Atan", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Atanh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Ceil", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Cos", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Cosh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Exp", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Floor", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "HardSwish", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Log", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Reciprocal", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Round", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Sigmoid", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Sin", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Sinh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Softplus", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Softsign", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Sqrt", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Tan", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Tanh", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Celu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f", adze_rule_as_input },
  { "", "Elu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f", adze_rule_as_input },
  { "", "LeakyRelu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f", adze_rule_as_input },
  { "", "ThresholdedRelu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f", adze_rule_as_input },
  { "", "HardSigmoid", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f beta:f",
    adze_rule_as_input },
  { "", "Selu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f gamma:f", adze_rule_as_input },
  { "", "Shrink", 1, 1, 1, 1, "a", "a", { ADZE_T_NUMBER }, "bias:f lambd:f", adze_rule_as_input },
  { "", "Neg", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL | ADZE_T_SIGNED }, "", adze_rule_as_input },
  { "", "Relu", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL | ADZE_T_SIGNED }, "", adze_rule_as_input },
  { "", "Not", 1, 1, 1, 1, "a", "a", { ADZE_T_BOOL }, "", adze_rule_as_input },
  { "", "IsInf", 1, 1, 1, 1, "a", "b", { ADZE_T_REAL, ADZE_T_BOOL },
    "detect_negative:i detect_positive:i", adze_rule_as_input },
  { "", "IsNaN", 1, 1, 1, 1, "a", "b", { ADZE_T_REAL, ADZE_T_BOOL }, "", adze_rule_as_input },
  { "", "Clip", 1, 3, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", clip },
  { "", "Softmax", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "axis:i", along_axis },
  { "", "LogSoftmax", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "axis:i", along_axis },
  { "", "Hardmax", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "axis:i", along_axis },
  { "", "LpNormalization", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "axis:i p:i", lp_normalization },
  { "", "CumSum", 2, 2, 1, 1, "ab", "a", { ADZE_T_WIDE, ADZE_T_INDEX }, "exclusive:i reverse:i",
    cumulative },
  { "", "Add", 2, 2, 1, 1, "aa", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Div", 2, 2, 1, 1, "aa", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Mul", 2, 2, 1, 1, "aa", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Sub", 2, 2, 1, 1, "aa", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Pow", 2, 2, 1, 1, "ab", "a", { ADZE_T_REAL | ADZE_T_INDEX, ADZE_T_NUMBER }, "",
    adze_rule_stretched },
  { "", "Mod", 2, 2, 1, 1, "aa", "a", { ADZE_T_NUMBER }, "fmod:i", mod },
  { "", "BitShift", 2, 2, 1, 1, "aa", "a", { ADZE_T_UNSIGNED }, "direction:s!", bit_shift },
  { "", "PRelu", 2, 2, 1, 1, "aa", "a", { ADZE_T_WIDE }, "", prelu },
  { "", "Max", 1, 255, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Min", 1, 255, 1, 1, "a", "a", { ADZE_T_NUMBER }, "", adze_rule_stretched },
  { "", "Mean", 1, 255, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_stretched },
  { "", "Sum", 1, 255, 1, 1, "a", "a", { ADZE_T_REAL }, "", adze_rule_stretched },
  { "", "And", 2, 2, 1, 1, "aa", "a", { ADZE_T_BOOL }, "", adze_rule_stretched },
  { "", "Or", 2, 2, 1, 1, "aa", "a", { ADZE_T_BOOL }, "", adze_rule_stretched },
  { "", "Xor", 2, 2, 1, 1, "aa", "a", { ADZE_T_BOOL }, "", adze_rule_stretched },
  { "", "Equal", 2, 2, 1, 1, "aa", "b", { ADZE_T_PLAIN, ADZE_T_BOOL }, "", adze_rule_stretched },
  { "", "Greater", 2, 2, 1, 1, "aa", "b", { ADZE_T_NUMBER, ADZE_T_BOOL }, "",
    adze_rule_stretched },
  { "", "GreaterOrEqual", 2, 2, 1, 1, "aa", "b", { ADZE_T_NUMBER, ADZE_T_BOOL }, "",
    adze_rule_stretched },
  { "", "Less", 2, 2, 1, 1, "aa", "b", { ADZE_T_NUMBER, ADZE_T_BOOL }, "", adze_rule_stretched },
  { "", "LessOrEqual", 2, 2, 1, 1, "aa", "b", { ADZE_T_NUMBER, ADZE_T_BOOL }, "",
    adze_rule_stretched },
  { "", "Where", 3, 3, 1, 1, "abb", "b", { ADZE_T_BOOL, ADZE_T_ANY }, "", adze_rule_stretched },
  { "", "ReduceL1", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceL2", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceLogSum", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceLogSumExp", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceMean", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceProd", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceSumSquare", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE }, AXES, reduce },
  { "", "ReduceMax", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE | ADZE_T_BYTE }, AXES, reduce },
  { "", "ReduceMin", 1, 1, 1, 1, "a", "a", { ADZE_T_WIDE | ADZE_T_BYTE }, AXES, reduce },
  { "", "ReduceSum", 1, 2, 1, 1, "ab", "a", { ADZE_T_WIDE, ADZE_T_INT64 },
    "keepdims:i noop_with_empty_axes:i", reduce_sum },
  { "", "ArgMax", 1, 1, 1, 1, "a", "b", { ADZE_T_NUMBER, ADZE_T_INT64 },
    "axis:i keepdims:i select_last_index:i", arg_most },
  { "", "ArgMin", 1, 1, 1, 1, "a", "b", { ADZE_T_NUMBER, ADZE_T_INT64 },
    "axis:i keepdims:i select_last_index:i", arg_most },
  { "", "MatMul", 2, 2, 1, 1, "aa", "a", { ADZE_T_WIDE }, "", mat_mul },
  { "", "MatMulInteger", 2, 4, 1, 1, "abab", "c", { ADZE_T_BYTE, ADZE_T_BYTE, ADZE_T_INT32 }, "",
    mat_mul_integer },
  { "", "QLinearMatMul", 8, 8, 1, 1, "abacbcbd", "d",
    { ADZE_T_BYTE, ADZE_T_FLOAT, ADZE_T_BYTE, ADZE_T_BYTE }, "", q_linear_mat_mul },
  { "", "Gemm", 2, 3, 1, 1, "a", "a", { ADZE_T_WIDE }, "alpha:f beta:f transA:i transB:i", gemm },
  /* SumTo (values, like) -> values summed up to the shape of LIKE, which could be stretched to theirs.
   * Nothing but the shape of LIKE is looked at. */
  { "adze", "SumTo", 2, 2, 1, 1, "aa", "a", { ADZE_T_WIDE }, "", sum_to },
  /* ReluGrad (y, gradient) -> the gradient where y, which a Relu gave, is above 0, else 0. */
  { "adze", "ReluGrad", 2, 2, 1, 1, "aa", "a", { ADZE_T_REAL }, "", adze_rule_as_input },
  { "", "Det", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "", determinant },
  { "", "Trilu", 1, 2, 1, 1, "ab", "a", { ADZE_T_ANY, ADZE_T_INT64 }, "upper:i", upper_lower },
  { "", "Einsum", 1, 255, 1, 1, "a", "a", { ADZE_T_NUMBER }, "equation:s!", einsum },
  { .name = NULL },
};

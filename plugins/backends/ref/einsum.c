/* SPDX-License-Identifier: Apache-2.0 */
/* einsum.c: sums of products of any inputs along any of their dimensions, as an equation says. */
#include "ref.h"

/* 52 letters, and the dimensions that an ellipsis stands for, the last one last. */
#define LETTERS 52
#define LABELS (LETTERS + ADZE_GRAPH_RANK)
#define OPERANDS 16

typedef struct einsum {
  size_t operands;
  const adze_view *in[OPERANDS];
  const char *term[OPERANDS]; /* of the equation; ends at a comma, an arrow, or the end */
  const char *result;         /* NULL: not said */
  size_t size[LABELS];
  bool known[LABELS];
  size_t times[LABELS]; /* in the terms of the inputs */
  size_t stride[OPERANDS][LABELS];
  int32_t seen[LABELS], seen_count; /* in the order in which they come */
  int32_t kept[LABELS], kept_count;
  int32_t gone[LABELS], gone_count;
  size_t total; /* products that are summed up */
  adze_view *out;
} einsum;

/* ---- The equation. */

static int32_t
label_of (char letter)
{
  if (letter >= 'A' && letter <= 'Z')
    return letter - 'A';
  return letter >= 'a' && letter <= 'z' ? letter - 'a' + 26 : -1;
}

static bool
at_end (const char *at)
{
  return *at == 0 || *at == ',' || *at == '-';
}

/* Labels of a term, of which an ellipsis stands for ELLIPSIS; how many, or -1: it is malformed. */
static int32_t
labels_of (const char *term, int32_t ellipsis, int32_t *labels)
{
  int32_t count = 0;
  bool dots = false;
  for (const char *at = term; !at_end (at); at++) {
    if (*at == ' ')
      continue;
    int32_t label = label_of (*at);
    if (label < 0 && (dots || strncmp (at, "...", 3) != 0))
      return -1;
    int32_t more = label < 0 ? ellipsis : 1;
    if (count + more > LABELS)
      return -1;
    for (int32_t i = 0; i < more; i++)
      labels[count++] = label < 0 ? LABELS - ellipsis + i : label;
    if (label < 0) {
      dots = true;
      at += 2;
    }
  }
  return count;
}

static int32_t
letters_of (const char *term, bool *dots)
{
  int32_t count = 0;
  *dots = false;
  for (const char *at = term; !at_end (at); at++) {
    count += label_of (*at) >= 0;
    *dots = *dots || *at == '.';
  }
  return count;
}

static adze_status
find_terms (const ref_call *call, einsum *e)
{
  const char *at = adze_node_text (call->node, "equation", "");
  for (size_t i = 0; i < e->operands; i++) {
    e->term[i] = at;
    while (!at_end (at))
      at++;
    bool last = i + 1 == e->operands;
    if (!last && *at != ',')
      return ref_refuse (call, ADZE_E_FORMAT, "the equation has fewer terms than there are inputs");
    at += !last;
  }
  if (*at == ',' || (*at == '-' && at[1] != '>'))
    return ref_refuse (call, ADZE_E_FORMAT, "the equation does not end behind the last input");
  e->result = *at ? at + 2 : NULL;
  for (const char *rest = e->result; rest && *rest; rest++)
    if (at_end (rest))
      return ref_refuse (call, ADZE_E_FORMAT, "the equation goes on behind its result");
  return ADZE_OK;
}

/* ---- Sizes and strides. */

static adze_status
read_operand (const ref_call *call, einsum *e, size_t number)
{
  const adze_view *in = e->in[number];
  int32_t labels[LABELS];
  bool dots;
  int32_t ellipsis = in->rank - letters_of (e->term[number], &dots);
  if (ellipsis < 0 || ellipsis > ADZE_GRAPH_RANK || (ellipsis > 0 && !dots)
      || labels_of (e->term[number], ellipsis, labels) != in->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "the equation's term %zu does not fit an input of %d "
                       "dimensions", number, in->rank);
  size_t reach = 1;
  for (int32_t d = in->rank; d-- > 0; reach *= (size_t)in->shape[d]) {
    int32_t label = labels[d];
    size_t size = (size_t)in->shape[d];
    if (e->known[label] && e->size[label] != size && e->size[label] != 1 && size != 1)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "dimension %d of input %zu is %zu, and one of the same "
                         "name is %zu",
                         d, number, size, e->size[label]);
    if (!e->known[label] || e->size[label] == 1)
      e->size[label] = size;
    e->known[label] = true;
    e->stride[number][label] += size == 1 ? 0 : reach;
  }
  for (int32_t d = 0; d < in->rank; d++)
    if (e->times[labels[d]]++ == 0)
      e->seen[e->seen_count++] = labels[d];
  return ADZE_OK;
}

/* Where it is not said: what an ellipsis stands for, then letters that come once, in order. */
static void
imply_result (einsum *e)
{
  for (int32_t label = LETTERS; label < LABELS; label++)
    if (e->times[label])
      e->kept[e->kept_count++] = label;
  for (int32_t label = 0; label < LETTERS; label++)
    if (e->times[label] == 1)
      e->kept[e->kept_count++] = label;
}

static adze_status
find_result (const ref_call *call, einsum *e)
{
  int32_t ellipsis = 0;
  bool in_result[LABELS] = { false };
  while (ellipsis < ADZE_GRAPH_RANK && e->times[LABELS - 1 - ellipsis])
    ellipsis++;
  if (e->result)
    e->kept_count = labels_of (e->result, ellipsis, e->kept);
  else
    imply_result (e);
  bool fits = e->kept_count == e->out->rank;
  for (int32_t d = 0; fits && d < e->kept_count; d++) {
    int32_t label = e->kept[d];
    fits = !in_result[label] && e->times[label] && (size_t)e->out->shape[d] == e->size[label];
    in_result[label] = true;
  }
  if (!fits)
    return ref_refuse (call, ADZE_E_FORMAT, "the equation's result does not have the shape of the "
                       "output");
  e->total = 1;
  for (int32_t i = 0; i < e->seen_count; i++)
    if (!in_result[e->seen[i]]) {
      e->gone[e->gone_count++] = e->seen[i];
      e->total *= e->size[e->seen[i]];
    }
  return ADZE_OK;
}

/* ---- Summing up. */

/* The next of all products: the last dimension runs fastest. */
static void
advance (const einsum *e, size_t *place, size_t *at)
{
  for (int32_t d = e->gone_count; d-- > 0;) {
    int32_t label = e->gone[d];
    bool over = ++place[d] == e->size[label];
    for (size_t o = 0; o < e->operands; o++)
      at[o] += e->stride[o][label] - (over ? e->size[label] * e->stride[o][label] : 0);
    if (!over)
      return;
    place[d] = 0;
  }
}

#define SUM(name, type, sum_type) \
  static sum_type name (const einsum *e, size_t *at) \
  { \
    sum_type sum = 0; \
    size_t place[LABELS] = { 0 }; \
    for (size_t i = 0; i < e->total; i++) { \
      sum_type product = 1; \
      for (size_t o = 0; o < e->operands; o++) \
        product *= ((const type *)adze_view_data (e->in[o]))[at[o]]; \
      sum += product; \
      advance (e, place, at); \
    } \
    return sum; \
  }
SUM (sum_f32, float, double)
SUM (sum_f64, double, double)
/* With and without sign alike: they wrap round. */
SUM (sum_u32, uint32_t, uint32_t)
SUM (sum_u64, uint64_t, uint64_t)

static adze_status
sum_piece (void *argument, size_t first, size_t last)
{
  const einsum *e = argument;
  void *out = adze_view_data (e->out);
  for (size_t i = first; i < last; i++) {
    size_t at[OPERANDS] = { 0 }, rest = i;
    for (int32_t d = e->kept_count; d-- > 0;) {
      size_t place = rest % e->size[e->kept[d]];
      rest /= e->size[e->kept[d]];
      for (size_t o = 0; o < e->operands; o++)
        at[o] += place * e->stride[o][e->kept[d]];
    }
    switch (ref_view_type (e->out)) {
    case REF_F32:
      ((float *)out)[i] = (float)sum_f32 (e, at);
      break;
    case REF_F64:
      ((double *)out)[i] = sum_f64 (e, at);
      break;
    case REF_I32:
    case REF_U32:
      ((uint32_t *)out)[i] = sum_u32 (e, at);
      break;
    default:
      ((uint64_t *)out)[i] = sum_u64 (e, at);
    }
  }
  return ADZE_OK;
}

static adze_status
einsum_run (ref_call *call)
{
  adze_status status = ref_check_same_type (call, call->input_count);
  einsum e = { .operands = call->input_count, .out = ref_out (call, 0) };
  if (status != ADZE_OK || !e.out)
    return status;
  if (e.operands > OPERANDS)
    return ref_refuse (call, ADZE_E_LIMIT, "%zu inputs; %d is the most", e.operands, OPERANDS);
  status = find_terms (call, &e);
  for (size_t i = 0; status == ADZE_OK && i < e.operands; i++) {
    e.in[i] = call->inputs[i];
    status = e.in[i] ? read_operand (call, &e, i) : ref_refuse_type (call, i);
  }
  if (status == ADZE_OK)
    status = find_result (call, &e);
  if (status != ADZE_OK)
    return status;
  return adze_parallel_for (call->host, adze_view_count (e.out),
                            ref_grain (e.total * e.operands), sum_piece, &e);
}

#define PRODUCT_TYPES \
  (REF_FLOATS | REF_SET (REF_I32) | REF_SET (REF_I64) | REF_SET (REF_U32) | REF_SET (REF_U64))

const ref_kernel ref_kernels_einsum[] = {
  { "", "Einsum", PRODUCT_TYPES, true, NULL, einsum_run },
  { .op = NULL },
};
